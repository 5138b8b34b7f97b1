import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AHEAD_S_MAX, CYCLE_S, type Intent, INTENT_STATE, ROUND_S } from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { assign, DAY, HOUR, lot } from './driven.ts';
import { CUT_LAG_S, roundFrom } from './times.ts';
import { watched } from './watch.ts';

const runs = 40;
const roundStartS = roundFrom(2 * HOUR);
/** The cut of the round, and of the next one: what settles in the round does so before that. */
const cutS = roundStartS - CUT_LAG_S;
const nextCutS = cutS + ROUND_S;
/** Here the parts separate, shortly before the claims: no member is silent when they meet again. */
const apartS = cutS - 110;
const BYZANTINE = 3;

/** Intents of intent slot 0 that were on the air, by owner: the newest claim of each. */
type Claims = Map<number, Intent>;

/**
 * Separates nodes of different parts; node 4 misses all starts of node 0. Notes claims on the air.
 */
function separate(cluster: TestCluster, part: number[], claims: Claims): void {
  cluster.jam = (sender, receiver) => {
    const intents = openedFrame(cluster.onAir()).messages.filter((m) => m.name === 'intent');
    for (const intent of intents) if (intent.state === INTENT_STATE.claimed) claims.set(intent.owner, intent);
    const hides = intents.some(({ owner, state }) => owner === 0 && state === INTENT_STATE.started);
    return part[sender] !== part[receiver] || (receiver === 4 && hides);
  };
}

/**
 * Gives node 0 a frame of the Byzantine node with a version of node 0 that is published `aheadS`
 * from now on.
 */
function forge(cluster: TestCluster, claim: Intent, aheadS: number): void {
  const publishedS = Math.floor(cluster.nowMs / 1000) + aheadS;
  cluster.inject(0, BYZANTINE, [{ ...claim, version: claim.version + 9, publishedS }]);
}

/**
 * Two owners that are apart claim one unit before a cut. Node 0 agrees with a majority shortly
 * before the next cut, while the Byzantine node forges versions in its name that lie ahead; then
 * all meet, and node 4, which is earlier in the arbitration order, gets agreement of node 0 on its
 * own claim.
 */
function fly(cluster: TestCluster, random: RandomStream): void {
  const part = [0, 1, 1, 1, 2];
  const claims: Claims = new Map();
  separate(cluster, part, claims);
  cluster.runTo(cutS - 40 - random.below(60));
  assign(cluster, 0, cutS, cutS + DAY);
  assign(cluster, 4, cutS, cutS + DAY, { rate: 100, priority: 5 });
  const joinS = nextCutS - 75 + random.below(40);
  const healS = joinS + 30 + random.below(30);
  let isHealed = false;
  for (let atS = roundStartS; atS < roundStartS + 3 * ROUND_S; atS += 10 + random.below(10)) {
    if (atS >= joinS) part[0] = 1;
    cluster.runTo(atS);
    const claim = claims.get(0);
    if (claim !== undefined && atS < nextCutS) forge(cluster, claim, AHEAD_S_MAX - 10 + random.below(11));
    if (isHealed || atS < healS) continue;
    isHealed = true;
    part[4] = 1;
    const exchanged = [...claims.values()];
    for (const node of [0, 1, 2, 4]) cluster.inject(node, BYZANTINE, exchanged);
  }
}

const stamps = suite('INT-5 under forged publication times');

stamps('INT-5 holds: a version forged in an owner’s name ahead of time does not move its start past a cut', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], signs: true });
  cluster.runTo(apartS);
  const back = cluster.saved();
  let settled = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    back();
    const watch = watched(cluster);
    fly(cluster, new RandomStream(seed, 'forged stamps'));
    if ([0, 4].some((node) => cluster.nodes[node].own(0).settledVersion !== 0)) settled += 1;
    assert.equal(watch.doubles, [], `seed ${seed}: both work the unit`);
  }
  assert.ok(settled > runs / 2, `the unit was settled in ${settled} of ${runs} runs`);
});

/** When node 0 settles a claim of a little before a cut, seconds after the round began. */
function settledAfterS(cluster: TestCluster, aheadS: number | null): number {
  const claims: Claims = new Map();
  cluster.events.length = 0;
  cluster.onRecord = null;
  separate(cluster, [1, 1, 1, 1, 1], claims);
  cluster.runTo(cutS - 100);
  assign(cluster, 0, cutS, cutS + DAY);
  for (let atS = cutS - 100; atS < roundStartS + 4 * ROUND_S; atS += CYCLE_S) {
    cluster.runTo(atS);
    const claim = claims.get(0);
    if (claim !== undefined && aheadS !== null) forge(cluster, claim, aheadS);
    if (cluster.nodes[0].own(0).settledVersion !== 0) return atS - roundStartS;
  }
  return Number.POSITIVE_INFINITY;
}

stamps('SEC-5 holds: versions dated ahead in every cycle delay a settlement by one round at most', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], signs: true });
  cluster.runTo(apartS);
  const back = cluster.saved();
  const undisturbedS = settledAfterS(cluster, null);
  assert.ok(undisturbedS < ROUND_S, `${undisturbedS} s`);
  for (const aheadS of [1, 15, 19, AHEAD_S_MAX / 2, AHEAD_S_MAX]) {
    back();
    const delayS = settledAfterS(cluster, aheadS) - undisturbedS;
    assert.ok(delayS <= ROUND_S, `${aheadS} s ahead: delayed by ${delayS} s`);
  }
});

stamps.run();
