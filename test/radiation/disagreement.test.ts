// RAD-1: a node that alone disagrees restarts and agrees again; neither a Byzantine member nor a
// partition makes one restart.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BOOT_CAUSE,
  DISAGREED_ROUNDS,
  DISAGREED_UPTIME_S,
  FIELD,
  type Heartbeat,
  OUTLOOK_KIND,
  RECOVERY_CAUSE,
  RECOVERY_LEVEL,
  ROUND_S,
  STATUS,
  TYPE,
} from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { type ClusterOptions, type NodeRecord, TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, HOUR, lot, split } from '../firmware/driven.ts';
import { openedFrame, sealedFrame } from '../security/sealed.ts';
import { firstUnsound, Lines, recode } from './watch.ts';

const disagreement = suite('radiation: disagreement');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const nodes = 8;
const faulty = 3;
const other = 5;
const others = Array.from({ length: nodes }, (_, node) => node).filter((node) => node !== faulty);
const injectedS = DISAGREED_UPTIME_S + HOUR + 120;

/** A cluster whose platforms obey `restart-runtime` within a minute, from the newest checkpoint. */
class Restarting {
  readonly cluster: TestCluster;
  readonly restarts: NodeRecord[] = [];
  readonly #incarnations = Array.from({ length: nodes }, () => 1);
  #seen = 0;

  constructor(options: Partial<ClusterOptions> = {}) {
    this.cluster = new TestCluster({ nodes, ...options });
  }

  runTo(untilS: number, everyMinute = () => {}): void {
    const { cluster } = this;
    while (cluster.nowMs / 1000 < untilS) {
      cluster.runTo(Math.min(untilS, cluster.nowMs / 1000 + 60));
      everyMinute();
      const ordered = cluster.commands.slice(this.#seen).filter(({ fields }) => fields[0] === TYPE.restartRuntime);
      this.#seen = cluster.commands.length;
      for (const order of ordered) {
        this.restarts.push(order);
        this.#incarnations[order.node] += 1;
        const [newest] = cluster.stored[order.node];
        cluster.restore(order.node, this.#incarnations[order.node], newest, true, BOOT_CAUSE.runtimeRestart);
      }
    }
  }

  disagreedRounds(node = faulty): number {
    return this.cluster.nodes[node].view().disagreedRounds;
  }

  digests(members = [...others, faulty]): number {
    return new Set(members.map((node) => this.cluster.nodes[node].viewDigest())).size;
  }
}

/** Changes a byte of the faulty node's context and gives its line the code of its new contents. */
function damage(cluster: TestCluster, at: number, change: (byte: number) => number): void {
  const view = cluster.engine.view();
  const words = new Uint32Array(view.buffer);
  const ctx = cluster.contexts[faulty];
  view[ctx + at] = change(view[ctx + at]);
  recode(lines, words, ctx, at);
  assert.is(firstUnsound(lines, words, ctx), -1);
}

const memberAt = constants.get('MEMBERS_AT')! + other * 32;

/** Takes a vote twice at the faulty node: no peer believes that, and nothing takes it back. */
const damageVotes = (cluster: TestCluster) => damage(cluster, memberAt + 24, (revocations) => revocations + 2);

/** Where the faulty node stores the first intent of `other`. */
function intentAt(cluster: TestCluster): number {
  const at = cluster.contexts[faulty] + constants.get('INTENT_INDEX_AT')! + other * constants.get('OWN_SLOTS')! * 2;
  const record = new DataView(cluster.engine.view().buffer).getUint16(at, true);
  assert.is.not(record, 0xffff);
  return constants.get('INTENTS_AT')! + record * 64;
}

const damages: [string, (cluster: TestCluster) => void][] = [
  ["a member's counter of revocations", damageVotes],
  ['the mark of an equivocator', (cluster) => damage(cluster, memberAt + 28, (marks) => marks | 1)],
  ["the rate of another's intent", (cluster) => damage(cluster, intentAt(cluster) + 12, (rate) => rate ^ 4)],
  ["the end of another's intent", (cluster) => damage(cluster, intentAt(cluster) + 5, (end) => end ^ 4)],
];

/**
 * Runs until the faulty node has counted one round of disagreement; when that was. Sums over
 * intents are compared once in half an hour.
 */
function firstDisagreedS(run: Restarting): number {
  while (run.disagreedRounds() === 0 && run.cluster.nowMs < (injectedS + 1800 + 2 * ROUND_S) * 1000)
    run.runTo(run.cluster.nowMs / 1000 + 60);
  assert.is(run.disagreedRounds(), 1);
  return run.cluster.nowMs / 1000;
}

for (const [what, spoil] of damages)
  disagreement(`RAD-1 holds: a node with a wrong value in ${what} alone disagrees, restarts, and agrees again`, () => {
    const run = new Restarting();
    run.runTo(injectedS);
    assert.is(run.digests(), 1, 'all agree before');
    spoil(run.cluster);
    const firstS = firstDisagreedS(run);
    run.runTo(firstS + (DISAGREED_ROUNDS - 2) * ROUND_S);
    assert.is(run.digests(others), 1, 'the others agree');
    assert.is(run.digests(), 2, 'the node disagrees');
    assert.equal(run.restarts, []);
    run.runTo(firstS + DISAGREED_ROUNDS * ROUND_S + 120);
    assert.equal(
      run.restarts.map(({ node, fields }) => [node, fields[FIELD.restartRuntime.cause]]),
      [[faulty, RECOVERY_CAUSE.disagreement]],
    );
    const escalation = run.cluster.events.filter(({ fields }) => fields[0] === TYPE.escalation);
    assert.equal(
      escalation.map(({ node, fields }) => [node, fields[FIELD.escalation.level], fields[FIELD.escalation.cause]]),
      [[faulty, RECOVERY_LEVEL.runtimeRestart, RECOVERY_CAUSE.disagreement]],
    );
    run.runTo(run.restarts[0].atS + 3.5 * ROUND_S);
    assert.is(run.digests(), 1, 'all agree');
    assert.is(run.cluster.nodes[faulty].view().quorum, 1);
    run.runTo(run.restarts[0].atS + DISAGREED_UPTIME_S + 3 * HOUR);
    assert.is(run.restarts.length, 1);
    assert.ok(run.cluster.nodes[faulty].isRunning(0), 'it works again');
  });

disagreement('RAD-1 holds: a node does not restart within six hours of its boot, however long it disagrees', () => {
  const run = new Restarting();
  run.runTo(HOUR + 120);
  damageVotes(run.cluster);
  run.runTo(DISAGREED_UPTIME_S);
  assert.is(run.disagreedRounds(), DISAGREED_ROUNDS);
  assert.equal(run.restarts, []);
  run.runTo(DISAGREED_UPTIME_S + 180);
  assert.is(run.restarts.length, 1);
});

disagreement('INT-5 holds: a node without which there is no majority does not forget what it agreed to', () => {
  const run = new Restarting();
  run.runTo(injectedS);
  for (const node of others.slice(3)) run.cluster.kill(node);
  run.runTo(injectedS + 3 * HOUR);
  damageVotes(run.cluster);
  run.runTo(injectedS + 4 * HOUR + DISAGREED_ROUNDS * ROUND_S);
  assert.is(run.digests(others.slice(0, 3)), 1, 'three others agree');
  assert.is(run.digests([...others.slice(0, 3), faulty]), 2, 'the node disagrees');
  assert.is(run.disagreedRounds(), 0);
  assert.equal(run.restarts, []);
});

disagreement('MBR-1 holds: a node that hears all and that nobody hears disagrees, and does not restart', () => {
  const run = new Restarting();
  run.cluster.jam = (sender) => sender === faulty;
  run.runTo(DISAGREED_UPTIME_S + 2 * DISAGREED_ROUNDS * ROUND_S);
  assert.is(run.digests(others), 1, 'the others agree');
  assert.is(run.digests(), 2, 'the node disagrees');
  assert.is(run.disagreedRounds(), 0);
  assert.equal(run.restarts, []);
});

disagreement('FLT-2 holds: a node that works under a lease extended in advance does not restart until it ends', () => {
  const run = new Restarting({ features: 0, groups: [lot] });
  const untilS = injectedS + 6 * HOUR;
  run.runTo(HOUR);
  run.cluster.observe(faulty, { name: 'outlook', fromS: injectedS, untilS, kind: OUTLOOK_KIND.occultation });
  assign(run.cluster, faulty, HOUR + 30, 5 * DAY);
  run.runTo(injectedS);
  damageVotes(run.cluster);
  run.runTo(untilS - 60);
  assert.is(run.disagreedRounds(), DISAGREED_ROUNDS);
  assert.ok(run.cluster.nodes[faulty].isRunning(0), 'it works');
  assert.equal(run.restarts, []);
  run.runTo(untilS + 3 * HOUR);
  assert.is(run.restarts.length, 1);
});

/** Sends the faulty node heartbeats with digests that nobody has, in the names of other members. */
class Insider {
  readonly #run: Restarting;
  readonly #names: readonly number[];
  readonly #digests: number;
  #newest: Heartbeat | null = null;
  heard = 0;

  /** `jams`: no true frame reaches the faulty node. `digests`: how many different ones it sends. */
  constructor(run: Restarting, jams: boolean, names = others.slice(0, 3), digests = 1) {
    this.#run = run;
    this.#names = names;
    this.#digests = digests;
    const { cluster } = run;
    cluster.mayRefuse = () => true;
    cluster.jam = (_, receiver) => {
      const { messages } = openedFrame(cluster.onAir());
      for (const message of messages) if (message.name === 'heartbeat') this.#newest = message;
      return jams && receiver === faulty;
    };
  }

  lie(): void {
    const { cluster } = this.#run;
    const timeS = Math.floor(cluster.nowMs / 1000);
    assert.ok(this.#newest !== null);
    const ages = new Uint8Array(this.#newest.ages.length).fill(255);
    for (const [i, sender] of this.#names.entries()) {
      const digestLow = timeS - (timeS % ROUND_S) + (i % this.#digests);
      const lie = { ...this.#newest, timeS, timeMs: 0, ages, digestHigh: 1, digestLow };
      const frame = sealedFrame({ sender, counter: cycleAt(timeS, sender) }, [lie]);
      if (cluster.hand(faulty, frame) === STATUS.ok) this.heard += 1;
    }
  }
}

/**
 * An insider lies once a minute for so long, minutes: twice the time after which a node restarts.
 */
const lyingMinutes = (2 * DISAGREED_ROUNDS * ROUND_S) / 60;

disagreement(
  'SEC-5 holds: a member that lies in the names of three makes no node restart that hears the others',
  () => {
    const run = new Restarting();
    run.runTo(DISAGREED_UPTIME_S);
    const insider = new Insider(run, false);
    run.runTo(DISAGREED_UPTIME_S + 180);
    run.runTo(DISAGREED_UPTIME_S + lyingMinutes * 60, () => insider.lie());
    assert.ok(insider.heard > lyingMinutes, `${insider.heard} lies were heard`);
    assert.is(run.disagreedRounds(), 0);
    assert.equal(run.restarts, []);
  },
);

const incomplete: [string, number[], number][] = [
  ['in its own name alone', [other], 1],
  ['in the names of two', others.slice(0, 2), 1],
  ['of three different digests', others.slice(0, 3), 3],
];

for (const [what, names, digests] of incomplete)
  disagreement(`SEC-5 holds: lies ${what} make no node restart, although it hears nothing else`, () => {
    const run = new Restarting();
    run.runTo(DISAGREED_UPTIME_S);
    const insider = new Insider(run, true, names, digests);
    run.runTo(DISAGREED_UPTIME_S + 180);
    run.runTo(DISAGREED_UPTIME_S + lyingMinutes * 60, () => insider.lie());
    assert.ok(insider.heard > lyingMinutes / 2, `${insider.heard} lies were heard`);
    assert.equal(run.restarts, []);
  });

disagreement('SEC-5 violated: who also keeps all true frames from a node makes it restart, once in six hours', () => {
  const run = new Restarting();
  run.runTo(DISAGREED_UPTIME_S);
  const insider = new Insider(run, true);
  run.runTo(DISAGREED_UPTIME_S + 180);
  run.runTo(3 * DISAGREED_UPTIME_S, () => insider.lie());
  const times = run.restarts.filter(({ node }) => node === faulty).map(({ atS }) => atS);
  assert.ok(times.length >= 2, times.join(' '));
  for (const [i, atS] of times.entries())
    if (i > 0) assert.ok(atS - times[i - 1] >= DISAGREED_UPTIME_S, times.join(' '));
  const worked = run.cluster.commands.filter(
    ({ node, atS, fields }) => node === faulty && fields[0] === TYPE.startWork && atS > times[0] - HOUR,
  );
  assert.equal(worked, [], 'its lease had ended before');
});

disagreement('RAD-1 holds: nodes that are apart again and again, and merge, do not restart', () => {
  const run = new Restarting({ loss: 0.3 });
  run.cluster.mayRefuse = () => true;
  run.runTo(DISAGREED_UPTIME_S);
  let disagreed = 0;
  let most = 0;
  const watch = () => {
    const counts = [...others, faulty].map((node) => run.disagreedRounds(node));
    if (counts.some((count) => count > 0)) disagreed += 1;
    most = Math.max(most, ...counts);
  };
  for (let merge = 0; merge < 44; merge += 1) {
    const beganS = run.cluster.nowMs / 1000;
    split(run.cluster, others, [faulty]);
    run.runTo(beganS + 40 * 60, watch);
    split(run.cluster, [...others, faulty]);
    run.runTo(beganS + 80 * 60, watch);
  }
  assert.equal(run.restarts, []);
  assert.ok(most < DISAGREED_ROUNDS / 2, `${most} rounds at most`);
  assert.ok(disagreed > (DISAGREED_ROUNDS * ROUND_S) / 60, `${disagreed} minutes`);
});

disagreement.run();
