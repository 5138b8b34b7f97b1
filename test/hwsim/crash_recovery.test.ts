import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { RunJudges } from '../../hwsim/check/run_judges.ts';
import { boardState } from '../../hwsim/board/parts.ts';
import { CrashRecovery, resetsInRowMax, runtimeRestartsMax } from '../../hwsim/board/crash_recovery.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { type Scenario, scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { layWorld } from '../../hwsim/world/plan.ts';

const body = { designation: 'test', deltaVKmS: 5, h: 20, aAu: 1.1, e: 0.1, iDeg: 5, source: 'made up' };
const [nodes, days, seed] = [6, 0.5, 3];
const site = 907;

const generation = { generation: 1, share: 1, rateKgPerDay: 200, storageKg: 8000, batteryWh: 6000, solarW: 2000 };

function scenarioOf(ownMemory: boolean, when: { atDay: number } = { atDay: 0.3 }): Scenario {
  return scenarioSchema.parse({
    heliograph: 1,
    name: 'test',
    title: 'for tests',
    days,
    epoch: '2026-01-01T00:00:00Z',
    body: 'test',
    preset: 'tiny',
    nodes,
    generations: [{ ...generation, baseW: 40, replicateW: 0, mineWhPerKg: 60 }],
    world: { lots: 2, saturation: 0.9, sitesPerNode: 1.2, tugs: 2, depotKgPerDay: 9000 },
    radio: { meanLoss: 0.05, meanBurstS: 5 },
    // By then a checkpoint is stored: before, nothing can be restored.
    disruptions: [{ kind: 'reset', node: 1, when, downS: 60 }],
    ...(ownMemory ? { upsets: { scale: 0 } } : {}),
  });
}

class Trap extends Error {}

/**
 * Makes an engine whose call `name` traps when `shouldTrap` returns true, as at an assertion of the
 * firmware.
 */
function trapping(engine: Engine, name: keyof FirmwareCalls, shouldTrap: (ctx: number) => boolean): Engine {
  let hasTrapped = false;
  const call = engine.calls[name] as (...args: number[]) => number;
  const calls: FirmwareCalls = {
    ...engine.calls,
    [name]: (...args: number[]) => {
      hasTrapped = shouldTrap(args[0]);
      if (hasTrapped) throw new Trap('unreachable');
      return call(...args);
    },
    trap_site: () => (hasTrapped ? site : engine.calls.trap_site()),
  };
  return { ...engine, calls, isTrap: (error) => error instanceof Trap || engine.isTrap(error) };
}

interface Flown {
  facts: RunFacts;
  judges: RunJudges;
  traps: Extract<WorldChange, { kind: 'trap' }>[];
  finalDowns: number[];
}

/**
 * Flies a run in which node 1 traps in `name`: in an instance of its own, or in the instance of all
 * nodes.
 */
function fly(ownMemory: boolean, name: keyof FirmwareCalls, shouldTrap: (stored: boolean) => boolean): Flown {
  const scenario = scenarioOf(ownMemory);
  const judges = new RunJudges(layWorld(scenario, { seed, nodes, body }), { radiation: true });
  const traps: Flown['traps'] = [];
  const finalDowns: number[] = [];
  let stored = false;
  const watch = {
    command(_timeMs: number, node: number, fields: Uint32Array): void {
      if (node === 1 && fields[0] === TYPE.storeCheckpoint) stored = true;
    },
    world(_timeMs: number, change: WorldChange): void {
      if (change.kind === 'trap') traps.push(change);
      if (change.kind === 'node-down' && change.permanent) finalDowns.push(change.node);
    },
  };
  let instance = 0;
  const engine = () => loadV8Engine('tiny');
  // The first instance belongs to the replicas, the second to node 0, the third to node 1.
  const ownEngine = () => {
    instance += 1;
    return instance === 3 ? trapping(engine(), name, () => shouldTrap(stored)) : engine();
  };
  const shared = engine();
  const secondContext = shared.reserve(0) + Math.ceil(shared.image.contextBytes / 16) * 16;
  const common = trapping(shared, name, (ctx) => ctx === secondContext && shouldTrap(stored));
  const facts = runScenario(scenario, {
    seed,
    days,
    nodes,
    body,
    engine: ownMemory ? engine() : common,
    ownEngine,
    consumers: [judges, watch],
  });
  return { facts, judges, traps, finalDowns };
}

/** Traps at the third call after the node has stored a checkpoint, and at the very first call. */
const thirdCallAfterStore = () => {
  let calls = 0;
  return (stored: boolean) => {
    if (stored) calls += 1;
    return calls === 3;
  };
};
const firstCall = () => {
  let calls = 0;
  return () => {
    calls += 1;
    return calls === 1;
  };
};

const callsOfRunningNode: readonly (keyof FirmwareCalls)[] = [
  'receive',
  'observe',
  'tick',
  'transmit',
  'command',
  'event',
];

for (const ownMemory of [false, true]) {
  const where = ownMemory ? 'in an instance of its own' : 'in a shared instance';
  test(`RAD-5 holds: a node ${where} that traps in any call is silent, restarts and rejoins`, () => {
    for (const name of callsOfRunningNode) {
      const { facts, judges, traps } = fly(ownMemory, name, thirdCallAfterStore());
      assert.equal(
        traps.map((trap) => [trap.node, trap.site]),
        [[1, site]],
        name,
      );
      assert.is(facts.calls.boots, nodes + 2, `${name}: one boot after the trap, one after the reset`);
      const verdict = judges.verdicts().find(({ id }) => id === 'RAD-5-crash-recovery')!;
      assert.is(verdict.ok, true, `${name}: ${verdict.examples}`);
    }
  });

  test(`RAD-5 holds: a node ${where} that traps over its newest checkpoint never tries it again`, () => {
    const restore = fly(ownMemory, 'restore', firstCall());
    assert.equal(
      restore.traps.map(({ booting }) => booting),
      [true],
    );
    assert.is(restore.facts.calls.boots, nodes + 2);
    const boot = fly(ownMemory, 'boot', firstCall());
    assert.equal(
      boot.traps.map(({ booting }) => booting),
      [true],
    );
    assert.is(boot.judges.verdicts().find(({ id }) => id === 'RAD-5-crash-recovery')!.ok, true);
  });

  test(`RAD-5 violated: a node ${where} that traps at every start goes through all levels and ends silent`, () => {
    const { traps, judges, finalDowns } = fly(ownMemory, 'boot', () => true);
    // Before each reset, before the alternate image and before silence: all restarts, and the trap
    // after the last.
    assert.is(traps.length, (runtimeRestartsMax + 1) * (resetsInRowMax + 2));
    assert.equal([...new Set(finalDowns)], [1]);
    assert.is(Math.max(...traps.map(({ resets }) => resets)), resetsInRowMax);
    const verdict = judges.verdicts().find(({ id }) => id === 'RAD-5-crash-recovery')!;
    assert.match(verdict.examples[0], /node 1, which trapped at \d+ s, does not run again/);
  });
}

test('crash recovery restarts the runtime, resets the processor, takes the alternate image, is silent', () => {
  const recovery = new CrashRecovery(1);
  const levels: string[] = [];
  let resets = 0;
  for (let i = 0; i < 20; i += 1) {
    const next = recovery.trapped(i, 0, site, resets);
    if (next.kind === 'reset') resets += 1;
    levels.push(next.kind === 'runtime' ? `${next.afterMs}` : next.kind);
  }
  const restartsThen = (last: string) => ['2000', '8000', '32000', last];
  const expected = ['reset', 'reset', 'reset', 'image', 'silent'].flatMap(restartsThen);
  assert.equal(levels, expected);
  recovery.stable(0);
  assert.equal(recovery.trapped(99, 0, site, 0), { kind: 'runtime', afterMs: 2000 });
  assert.is(boardState.off, 0);
});

test.run();
