// Time of node processes: steps of the wall clock, a pause, and members that restart all at once.

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { CYCLE_S, MUTE_CAUSE } from '../../host/cbor/generated.ts';
import { WallFallback, wallWaitMs } from '../../host/node/wall_fallback.ts';
import { asked, clusterArgs, type LogLine, RunningNode } from './running_node.ts';
import { inFolder, until } from './support.ts';

const members = 2;
const ids = [0, 1];

interface Cluster {
  state: string;
  nodes: RunningNode[];
  start(id: number, preload?: string): void;
}

async function withCluster(timeScale: number, use: (cluster: Cluster) => Promise<void>): Promise<void> {
  await inFolder(async (state) => {
    const args = await clusterArgs(members, state, timeScale);
    const nodes: RunningNode[] = [];
    const start = (id: number, preload?: string) => {
      nodes[id] = new RunningNode(args[id], { preload });
    };
    try {
      await use({ state, nodes, start });
    } finally {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    }
    assert.is(nodes.map(({ stderr }) => stderr).join(''), '');
  });
}

const hears = (nodes: RunningNode[]) => nodes.every((node, id) => node.stateOf(1 - id) === 'alive');

test('the wall clock is set by ±600 s: it is logged, and neither the time nor the work of a node moves', () =>
  withCluster(300, async ({ nodes, start }) => {
    const steps = [600_000, -1_200_000];
    process.env.STEP_WALL_BY_MS = steps.join();
    for (const id of ids) start(id, join(rootFolder, 'test/host/step_wall.mjs'));
    const [node] = nodes;
    await until(() => hears(nodes) && node.saw('start-work'), 180);
    const before = node.lines.length;
    for (const [at, stepMs] of steps.entries()) {
      node.signal('SIGUSR2');
      await until(() => node.all('wall-step').length > at, 60);
      const logged = Number(node.all('wall-step')[at].stepMs);
      assert.ok(Math.abs(logged - stepMs) < 100, `${logged}`);
      const starts = node.all('start-work').length;
      await until(() => node.all('start-work').length > starts, 120);
    }
    // 600 s of the wall are 180,000 s of the mission.
    const jumps = node.lines.slice(before).map((line, at) => line.missionS - node.lines[before + at - 1].missionS);
    assert.ok(Math.max(...jumps.map(Math.abs)) < 20_000, jumps.join());
    assert.not.ok(node.saw('start-work-held-back') || node.saw('trap') || node.stateOf(1) !== 'alive');
    // Work ends when the firmware says: each order is renewed before its end, by the same clock.
    assert.ok(node.all('start-work').every(({ missionS, untilS }) => Number(untilS) > missionS));
  }));

test('a paused process that goes on gives no order whose end is past; what it holds back is counted and marked', () =>
  // At 600 × real time, 20 ms of a busy machine are 12 s: after the pause both clocks had errors of
  // 11 and 37 s, with which members do not agree for hours.
  withCluster(150, async ({ state, nodes, start }) => {
    for (const id of ids) start(id);
    const [holder] = nodes;
    // Work that was renewed: the node holds a lease, and would renew it again.
    await until(() => holder.all('start-work', ({ kind }) => kind === 1).length > 1, 180);
    holder.signal('SIGSTOP');
    // 9000 s of the mission: more than two leases.
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const resumed = holder.lines.length;
    holder.signal('SIGCONT');
    await until(() => holder.saw('paused'), 60);
    // It has caught up: it renews, or begins anew, what is in the present.
    await until(() => holder.lines.slice(resumed).some(({ event }) => event === 'start-work'), 300);
    assert.ok(holder.saw('paused', ({ heldUpMs }) => Number(heldUpMs) > 8_000_000));
    const held = holder.all('start-work-held-back');
    assert.equal(
      held.map(({ heldBack }) => heldBack),
      held.map((_, at) => at + 1),
    );
    const isPast = ({ missionS, untilS }: LogLine) => Number(untilS) <= missionS;
    // The log's clock and the firmware's differ by what the firmware learnt from its peers.
    assert.ok(held.every((line) => isPast({ ...line, missionS: line.missionS + 10 })));
    assert.equal(holder.all('start-work').filter(isPast), []);
    const { heldBack } = await asked<{ heldBack: { orders: number; frames: number } }>(state, 0, 'status');
    assert.ok(heldBack.orders >= held.length && heldBack.frames > 10, JSON.stringify(heldBack));
  }));

test('TIM-1 holds: members that restart all at once speak again, and say why they were mute', () =>
  withCluster(400, async ({ state, nodes, start }) => {
    for (const id of ids) start(id);
    await until(() => hears(nodes), 120);
    await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    for (const id of ids) start(id);
    await until(() => nodes.every((node) => node.saw('time-from-wall') || node.saw('time-acquired')), 120);
    // Which member is the first depends on how fast each process starts.
    assert.ok(nodes.some((node) => node.saw('time-from-wall')));
    for (const node of nodes) {
      const [mute] = node.all('mute', ({ causeName }) => causeName === 'no-time');
      assert.match(mute.words ?? '', /until a member gives the time, or for \d+ s: then the wall clock is asked/);
    }
    for (const id of ids) {
      type Status = { radio: { framesReceived: number }; mute: unknown };
      let status: Status | null = null;
      for (let turn = 0; turn < 100 && !(status?.mute === null && status.radio.framesReceived > 5); turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        status = await asked<Status>(state, id, 'status');
      }
      assert.ok(status?.mute === null && status.radio.framesReceived > 5, JSON.stringify(status));
    }
  }));

test('the wall is asked after a wait by index, not with --clock peers, and not if it is behind the counters', () => {
  assert.equal([0, 1, 2, 9, 10, 199].map(wallWaitMs), [600_000, 900_000, 1_200_000, 3_300_000, 3_600_000, 3_600_000]);
  const noTime = { cause: MUTE_CAUSE.noTime, untilS: 0 };
  const fallback = new WallFallback('auto', 1);
  assert.match(fallback.onMute(noTime, 5000, 0), /for 900 s: then the wall/);
  assert.is(fallback.dueMs, 905_000);
  // Its counters were used up to here: an earlier wall clock is wrong.
  const reserved = 10_000;
  assert.not.ok(fallback.believes((reserved - 41) * CYCLE_S * 1000, reserved, 905_000));
  assert.is(fallback.dueMs, 1_805_000);
  assert.not.ok(fallback.believes(-1, 0, 905_000));
  assert.ok(fallback.believes((reserved - 40) * CYCLE_S * 1000, reserved, 1_805_000));
  assert.is(fallback.dueMs, Number.POSITIVE_INFINITY);
  // A member that gives the time ends the wait.
  fallback.onMute(noTime, 0, 0);
  fallback.onMute({ cause: MUTE_CAUSE.countersUsed, untilS: 90 }, 0, 30);
  assert.is(fallback.dueMs, Number.POSITIVE_INFINITY);
  const peers = new WallFallback('peers', 0);
  assert.is(peers.onMute(noTime, 0, 0), 'until a member gives the time');
  assert.is(peers.dueMs, Number.POSITIVE_INFINITY);
});

test.run();
