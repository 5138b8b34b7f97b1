/**
 * Draws short flights in which what the lease proof compares lies as close together as the
 * protocol admits: the end of a lease and of its hold, a claim and a cut, two majorities, a
 * restart and what it forgot.
 */
import {
  CUT_LAG_S,
  type Intent,
  INTENT_STATE,
  LEASE_GUARD_S,
  LEASE_S,
  LIVENESS_TICK_S,
  ROUND_S,
} from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { DAY, HOUR } from './driven.ts';
import {
  type Outcome,
  recoveryS,
  revokeVoteS,
  startRounds,
  ticksUntilSilent,
  Trial,
  type TrialOptions,
} from './trial.ts';

/** Begin of the first agreement round at or after a mission second. */
const roundFrom = (atS: number) => Math.ceil(atS / ROUND_S) * ROUND_S;

/** Restarts a node from one of its stored checkpoints, from `old`, or from nothing. */
function restartSomehow(trial: Trial, node: number, old: Uint8Array | null): void {
  const images = [...trial.cluster.stored[node], old, null];
  trial.restart(node, trial.pick(images), !trial.once(3));
}

/**
 * An owner is heard by nobody from a tick on that is near the last one in which a round still
 * counts it as alive. Another node settles in advance for the second in which the lease hold ends.
 */
function leaseMeetsHold(trial: Trial): void {
  const { random } = trial;
  const [owner, next, ...others] = trial.shuffled();
  if (trial.once(2)) {
    // The error of a clock that is learnt anew is seconds, that of one set at boot nothing.
    trial.runTo(3 * ROUND_S);
    trial.restart(owner, null, false);
    trial.runTo(trial.nowS + 3 * ROUND_S);
  }
  if (!trial.letWork(owner, trial.nowS + 8 * ROUND_S)) return;
  const beginS = roundFrom(trial.nowS + (ticksUntilSilent + 3) * LIVENESS_TICK_S + random.below(2) * ROUND_S);
  const ticks = trial.once(2) ? ticksUntilSilent - 2 : random.below(ticksUntilSilent + 2);
  const silentS = beginS - ticks * LIVENESS_TICK_S - 5 + (trial.once(3) ? random.below(60) - 30 : 0);
  const isCut = trial.once(4);
  trial.at(silentS, () => (isCut ? trial.part(trial.shuffled().filter((node) => node !== owner)) : trial.mute(owner)));
  if (trial.once(4)) trial.at(beginS + random.below(ROUND_S), () => trial.part([next, ...others]));
  trial.runTo(silentS + ticksUntilSilent * LIVENESS_TICK_S);
  const holdS = trial.awaitHold(next, owner);
  if (holdS === undefined) return;
  const errorS = trial.errorS(owner);
  trial.assign(next, holdS);
  if (others.length > 1 && trial.once(3)) trial.assign(others[0], holdS - random.below(2) * LEASE_GUARD_S);
  const isDisturbed = trial.once(3);
  if (isDisturbed) {
    const atS = holdS + random.below(4 * LEASE_GUARD_S) - 3 * LEASE_GUARD_S;
    trial.at(atS, () => (trial.once(2) ? trial.heal() : trial.part([owner, ...others])));
    if (trial.once(2)) trial.at(atS, () => restartSomehow(trial, owner, null));
  }
  trial.runTo(holdS + 2 * ROUND_S);
  if (!isDisturbed) trial.requireGuards(owner, silentS, errorS);
  trial.heal();
  trial.runTo(trial.nowS + 2 * ROUND_S);
}

/**
 * Two parts of the cluster with one node between them: it lets the one begin work, then belongs to
 * the other, with or without a restart.
 */
function halves(trial: Trial): void {
  const { random, nodes } = trial;
  const all = trial.shuffled();
  const half = nodes >> 1;
  const [one, between, two] = [all.slice(0, half), all.slice(half, half + (nodes & 1)), all.slice(half + (nodes & 1))];
  const owner = one[0];
  const next = two[0];
  trial.runTo(3 * ROUND_S + random.below(2 * ROUND_S));
  const old = trial.once(2) ? trial.cluster.checkpoint(between[0] ?? one.at(-1)!) : null;
  trial.runTo(trial.nowS + random.below(2 * ROUND_S));
  trial.part([...one, ...between], two);
  const moves = between[0] ?? (half > 1 ? one[half - 1] : undefined);
  if (moves === undefined || trial.once(2)) trial.assign(next);
  trial.letWork(owner, trial.nowS + (2 + random.below(5)) * ROUND_S);
  trial.runTo(trial.nowS + (trial.once(2) ? random.below(30) : random.below(2 * ROUND_S)));
  const stay = one.filter((node) => node !== moves);
  trial.part(stay, moves === undefined ? two : [moves, ...two]);
  if (moves !== undefined && !trial.once(4)) restartSomehow(trial, moves, old);
  if (trial.once(3) && two.length > 1) restartSomehow(trial, two[1], null);
  trial.assign(next);
  trial.runTo(trial.nowS + LEASE_S + 2 * ROUND_S);
  if (trial.once(2)) trial.heal();
  trial.runTo(trial.nowS + 2 * ROUND_S);
}

/**
 * Two owners claim the unit around a cut, one of them apart from the others until after it. What
 * the other one claims and starts is lost to some, and it may hear of agreement only at the cut
 * that follows.
 */
function claimsMeetCut(trial: Trial): void {
  const { random } = trial;
  const [first, second, ...others] = trial.shuffled();
  const beginS = roundFrom(3 * ROUND_S + random.below(3 * ROUND_S));
  const cutS = beginS - CUT_LAG_S;
  const near = () => cutS + trial.pick([-1, 0, 1, -random.below(LIVENESS_TICK_S), -random.below(2 * LIVENESS_TICK_S)]);
  const isLostTo = trial.pick([[second], [second], [second, ...others], []]);
  trial.loses = (messages, _, receiver) =>
    isLostTo.includes(receiver) && messages.some((message) => message.name === 'intent' && message.owner === first);
  trial.at(cutS + (1 + random.below(4)) * ROUND_S, () => {
    trial.loses = null;
  });
  if (!trial.once(4)) {
    trial.at(cutS - 20 - random.below(2 * LIVENESS_TICK_S), () => trial.part([first, ...others], [second]));
    trial.at(beginS + random.below(ROUND_S), () => trial.heal());
  }
  trial.at(near(), () => trial.assign(first, trial.nowS, 1 + random.below(2)));
  if (!trial.once(5)) trial.at(near(), () => trial.assign(second, trial.nowS, 1 + random.below(3)));
  if (trial.once(2)) {
    const hearsS = trial.pick([
      cutS + ROUND_S - 1 - random.below(15),
      cutS + ROUND_S - 1,
      beginS + random.below(ROUND_S),
    ]);
    trial.at(beginS - 3, () => trial.deafen(first, true));
    trial.at(hearsS, () => trial.deafen(first, false));
  }
  if (trial.once(2))
    trial.at(beginS + 20 + random.below(2 * ROUND_S), () => {
      trial.heal();
      trial.part([second, ...others]);
      if (trial.once(2)) trial.assign(second);
    });
  trial.runTo(beginS + 3 * ROUND_S + random.below(ROUND_S));
  if (trial.once(3)) trial.heal();
  trial.runTo(trial.nowS + 3 * ROUND_S);
}

/**
 * One owner settles a claim, or hears of its majority only around the next cut, before it learns of
 * the claim of another owner, which was published before the cut of the round. That claim reaches a
 * majority within the round; the other owner does not hear of the start.
 */
function claimComesLate(trial: Trial): void {
  const { random } = trial;
  const [first, second, knows, ...others] = trial.shuffled();
  const beginS = roundFrom(3 * ROUND_S + random.below(3 * ROUND_S));
  const cutS = beginS - CUT_LAG_S;
  let claim: Intent | undefined;
  const unknowing = [first, ...others];
  let isKnown = false;
  trial.loses = (messages, sender, receiver) => {
    for (const message of messages)
      if (message.name === 'intent' && message.owner === second && sender === second) claim = message;
    const rival = receiver === second ? first : second;
    return messages.some((message) => {
      if (message.name !== 'intent' || message.owner !== rival) return false;
      const isStart = message.state === INTENT_STATE.started;
      return receiver === second
        ? isStart
        : (!isKnown && unknowing.includes(receiver)) || (receiver === first && isStart);
    });
  };
  trial.at(cutS - 1 - random.below(LIVENESS_TICK_S), () => trial.assign(first));
  const claimS = cutS - 1 - random.below(LIVENESS_TICK_S) - random.below(startRounds + 1) * ROUND_S;
  trial.at(claimS, () => trial.assign(second, trial.nowS, 3));
  const isDelayed = trial.once(2);
  const hearsS = isDelayed ? cutS + ROUND_S - 1 + random.below(LIVENESS_TICK_S >> 1) : beginS;
  if (isDelayed) {
    trial.at(beginS - 3, () => trial.deafen(first, true));
    trial.at(hearsS, () => trial.deafen(first, false));
  }
  trial.at(hearsS + 1, () => {
    trial.runUntil(() => trial.hasSettled(first), beginS + ROUND_S - 5);
    isKnown = true;
    trial.note(`the claim of ${second} arrives`);
    for (const node of unknowing) if (claim !== undefined) trial.cluster.inject(node, knows, [claim]);
  });
  trial.runTo(beginS + 3 * ROUND_S);
  trial.loses = null;
  trial.runTo(trial.nowS + ROUND_S);
}

/**
 * Two nodes were apart from the others for so long that these revoke their votes; all were switched
 * off meanwhile. Around the round of the revocation one node goes over to the two, and it may not
 * have heard of the majority that revokes.
 */
function votesLost(trial: Trial): void {
  const { random, nodes } = trial;
  const all = trial.shuffled();
  const away = all.slice(0, nodes - 3);
  const [goes, ...stay] = all.slice(nodes - 3);
  trial.runTo(LEASE_S + 2 * ROUND_S);
  trial.part(away, [goes, ...stay]);
  const lastS = trial.nowS;
  const revokedS = roundFrom(lastS + revokeVoteS);
  trial.runTo(lastS + ROUND_S);
  const images = all.map((node) => [node, trial.cluster.checkpoint(node)] as const);
  for (const node of all) trial.kill(node);
  trial.runTo(revokedS - 2 * LEASE_S - 2 * ROUND_S);
  for (const [node, image] of images) trial.restart(node, image);
  const isDeaf = !trial.once(3);
  if (isDeaf) {
    trial.at(revokedS - ROUND_S - 20, () => trial.deafen(goes, true));
    trial.at(revokedS + 5 + random.below(15), () => trial.deafen(goes, false));
  }
  trial.runTo(revokedS + (trial.once(3) ? random.below(3 * ROUND_S) - 2 * ROUND_S : 20 + random.below(ROUND_S - 20)));
  trial.part([goes, ...away], stay);
  const owners = [trial.pick([...away, goes]), trial.pick(stay)];
  for (const owner of owners) trial.assign(owner);
  trial.runTo(trial.nowS + 4 * ROUND_S);
  if (trial.once(2)) trial.heal();
  trial.runTo(trial.nowS + 2 * ROUND_S);
}

/**
 * An owner extends its lease in advance and is alone until its end, with a clock that runs fast or
 * slow. Another node settles for the end of the lease hold; for a long lease the others are
 * switched off until shortly before.
 */
function leaseExtended(trial: Trial): void {
  const { random, cluster } = trial;
  const [owner, next, ...others] = trial.shuffled();
  if (!trial.letWork(owner, trial.nowS + 8 * ROUND_S)) return;
  const silenceS = trial.once(3) ? DAY + random.below(4 * DAY) : LEASE_S + random.below(4 * HOUR);
  trial.expectSilence(owner, trial.nowS + 6 * ROUND_S + silenceS);
  trial.runTo(trial.nowS + 5 * ROUND_S);
  const silentS = trial.nowS;
  const rest = [next, ...others];
  trial.part(rest);
  trial.runTo(trial.nowS + ticksUntilSilent * LIVENESS_TICK_S + ROUND_S);
  let holdS = trial.awaitHold(next, owner);
  if (holdS !== undefined && holdS - trial.nowS > DAY) {
    const images = rest.map((node) => [node, cluster.checkpoint(node)] as const);
    for (const node of rest) trial.kill(node);
    trial.runTo(holdS - 3 * LEASE_S);
    for (const [node, image] of images) trial.restart(node, image);
    trial.runTo(trial.nowS + LEASE_S + 2 * ROUND_S);
    holdS = trial.awaitHold(next, owner);
  }
  if (holdS === undefined) return;
  trial.runTo(holdS - (3 + random.below(3)) * ROUND_S - LEASE_GUARD_S);
  trial.assign(next, Math.max(holdS, trial.nowS));
  const isBack = trial.once(3);
  if (isBack) trial.at(holdS - LEASE_GUARD_S - random.below(2 * ROUND_S), () => trial.part([owner, ...others]));
  trial.runTo(holdS - 3 * LEASE_GUARD_S);
  const errorS = trial.errorS(owner);
  trial.runTo(holdS + 2 * ROUND_S);
  if (!isBack) trial.requireGuards(owner, silentS, errorS);
  trial.heal();
  trial.runTo(trial.nowS + 2 * ROUND_S);
}

/**
 * An owner extends its lease in advance shortly before a cut, and is alone as soon as others agree.
 * These restart then, most of them from the older of their two checkpoints.
 */
function extensionForgotten(trial: Trial): void {
  const { random, cluster } = trial;
  const [owner, next, ...others] = trial.shuffled();
  if (!trial.letWork(owner, trial.nowS + 8 * ROUND_S)) return;
  const beginS = roundFrom(trial.nowS + CUT_LAG_S + ROUND_S);
  trial.runTo(beginS - CUT_LAG_S - 1 - random.below(LIVENESS_TICK_S));
  trial.expectSilence(owner, trial.nowS + 3 * recoveryS);
  trial.runTo(beginS + 5 + random.below(LIVENESS_TICK_S));
  trial.part([next, ...others]);
  for (const node of [next, ...others])
    if (!trial.once(4)) trial.restart(node, cluster.stored[node][trial.once(4) ? 0 : 1]);
  trial.runTo(trial.nowS + recoveryS + ROUND_S);
  trial.assign(next, Math.max(trial.awaitHold(next, owner) ?? 0, trial.nowS));
  trial.runTo(trial.nowS + 5 * ROUND_S);
}

/**
 * One member is alone before an owner falls silent, so it heard the owner some ticks earlier than
 * the others did. It learns of the later tick when it is back, or what reports it is lost.
 */
function heardEarlier(trial: Trial): void {
  const { random } = trial;
  const [owner, next, ...others] = trial.shuffled();
  if (!trial.letWork(owner, trial.nowS + 8 * ROUND_S)) return;
  const beginS = roundFrom(trial.nowS + (ticksUntilSilent + 4) * LIVENESS_TICK_S);
  const silentS = beginS - (ticksUntilSilent - 2) * LIVENESS_TICK_S - 5;
  trial.at(silentS - (1 + random.below(3)) * LIVENESS_TICK_S, () => trial.part([owner, ...others]));
  trial.at(silentS, () => trial.mute(owner));
  trial.at(beginS + ROUND_S - 30, () => trial.part(others));
  const isLost = trial.once(2);
  if (isLost)
    trial.loses = (messages, _, receiver) => receiver === next && messages.some(({ name }) => name === 'silent-list');
  trial.runTo(silentS + (ticksUntilSilent + 1) * LIVENESS_TICK_S + random.below(LIVENESS_TICK_S));
  trial.part([next, ...others]);
  trial.runTo(trial.nowS + ROUND_S);
  const holdS = trial.awaitHold(next, owner);
  if (holdS === undefined) return;
  const errorS = trial.errorS(owner);
  trial.assign(next, Math.max(holdS, trial.nowS));
  trial.runTo(holdS + 2 * ROUND_S);
  trial.requireGuards(owner, silentS, errorS);
  trial.loses = null;
  trial.heal();
  trial.runTo(trial.nowS + 2 * ROUND_S);
}

interface Kind {
  fly: (trial: Trial) => void;
  options: (random: RandomStream) => TrialOptions;
  /** How often another node works on at least, in one seed. */
  takeovers: number;
}

const ofSizes =
  (...sizes: number[]) =>
  (random: RandomStream) => ({
    nodes: sizes[random.below(sizes.length)],
    loss: random.below(4) === 0 ? 0.1 : 0,
  });

export const trialKinds: Record<string, Kind> = {
  'a lease meets its hold': { fly: leaseMeetsHold, options: ofSizes(3, 4, 5), takeovers: 0.5 },
  'a member heard an owner earlier': { fly: heardEarlier, options: ofSizes(3, 4, 5), takeovers: 0.15 },
  'halves with a node between': { fly: halves, options: ofSizes(3, 4, 4, 5, 6), takeovers: 0 },
  'claims meet a cut': { fly: claimsMeetCut, options: ofSizes(3, 4, 5), takeovers: 0 },
  'a claim comes late': { fly: claimComesLate, options: ofSizes(5), takeovers: 0 },
  'votes are lost': { fly: votesLost, options: ofSizes(5), takeovers: 0 },
  'a lease is extended': { fly: leaseExtended, options: ofSizes(3, 4), takeovers: 0.25 },
  'an extension is forgotten': { fly: extensionForgotten, options: ofSizes(3, 4, 5), takeovers: 0 },
};

/** Flies the trial of a kind that a seed gives. */
export function flyTrial(name: string, seed: number): Outcome {
  const { fly, options } = trialKinds[name];
  const random = new RandomStream(seed, name);
  const trial = new Trial(random, seed, options(random));
  try {
    fly(trial);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${trial.outcome.log.join('\n')}`, { cause: error });
  }
  return trial.outcome;
}
