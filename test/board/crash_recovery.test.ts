// needs: boards
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBoard } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { nextConfig } from '../../hwsim/campaign/board/restart.ts';
import { recordRun } from '../../hwsim/campaign/board/recorded_run.ts';
import { Subject } from '../../hwsim/campaign/board/subject.ts';
import type { Debugger } from '../../hwsim/emulator/debugger.ts';
import type { PortInput, PortOutput } from '../../hwsim/board/port.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { BOARD_CAUSE, BOOT_CAUSE, STATUS, STATUS_MASK, TRAP } from '../../host/cbor/generated.ts';

/**
 * Checks RAD-1 for control flow: a wrong branch, instruction or access, in a call into the image or
 * in the board's own loop, causes a trap or a reset by the watchdog, and the board then boots from
 * its checkpoint.
 */

const pool = new EmulatorPool(20);
const boards = ['m7', 'rv64'] as const;
const recorded = recordRun('flight');
/** Inputs up to the one that stores the first checkpoint. */
const inputsBefore = recorded.inputs.findIndex(({ kind }) => kind === 'store') + 1;

interface Machine {
  /** Bytes of an instruction that jumps to itself. */
  readonly stuck: Uint8Array;
  /** Bytes that are no instruction. */
  readonly illegal: Uint8Array;
  /** Register that holds the origin of linear memory. */
  readonly origin: string;
}
const machines: Record<(typeof boards)[number], Machine> = {
  m7: { stuck: Uint8Array.of(0xfe, 0xe7), illegal: Uint8Array.of(0x00, 0xde), origin: 'r9' },
  rv64: { stuck: Uint8Array.of(0x01, 0xa0), illegal: Uint8Array.of(0x00, 0x00), origin: 'x27' },
};

/**
 * Returns a board that has stored a checkpoint and is stopped at its first arrival at the function
 * `symbol` in the tick that follows.
 */
async function stoppedAt(
  name: (typeof boards)[number],
  symbol: string,
): Promise<{ subject: Subject; debug: Debugger; at: number }> {
  const { target, elf: path } = await buildBoard(name);
  const elf = readElf(readFileSync(path));
  const subject = new Subject({ pool, target, path, elf });
  subject.start();
  for (const input of recorded.inputs.slice(0, inputsBefore)) {
    subject.give(input);
    subject.outputs();
  }
  const at = elf.symbols.get(symbol)!;
  const { debug } = subject;
  debug.interrupt();
  debug.setBreakpoint(at);
  debug.resume();
  subject.give(recorded.inputs.slice(inputsBefore).find(({ kind }) => kind === 'tick')!);
  debug.awaitStop();
  debug.clearBreakpoint(at);
  return { subject, debug, at };
}

/**
 * Resumes the board, then boots it again and checks that it works from its checkpoint. Returns the
 * last output before that boot.
 */
function lastOutputBeforeBoot(subject: Subject): PortOutput {
  subject.debug.resume();
  const last = subject.outputs().at(-1)!;
  const [boot] = recorded.inputs as [Extract<PortInput, { kind: 'boot' }>];
  subject.give({ ...boot, cause: BOOT_CAUSE.runtimeRestart, config: nextConfig(boot.config, 0, 0) });
  const outputs = subject.outputs();
  const done = outputs.at(-1)!;
  assert.ok(done.kind === 'done' && (done.status & STATUS_MASK) === STATUS.ok, JSON.stringify(done));
  // The record booted: [192, cause, restored, incarnation].
  const booted = outputs.find((output) => output.kind === 'record' && output.bytes[2] === 192);
  assert.ok(booted?.kind === 'record' && booted.bytes[4] === 1, 'the board did not boot from its checkpoint');
  subject.close();
  return last;
}

const inImage = 'measure_begin_tick';
const inLoop = 'port_end';

test('a branch out of the code, from the image or from the board loop, causes a trap', async () => {
  for (const name of boards) {
    const linear = readElf(readFileSync((await buildBoard(name)).elf)).symbols.get('linear_begin')!;
    const wrongBranches: [string, bigint][] = [
      [inImage, 0x1000_0000n],
      [inImage, BigInt(linear + 0x4000)],
      [inLoop, 0xd000_0000n],
    ];
    for (const [symbol, to] of wrongBranches) {
      const { subject, debug } = await stoppedAt(name, symbol);
      debug.setRegister('pc', to);
      const last = lastOutputBeforeBoot(subject);
      assert.ok(
        last.kind === 'trapped' && last.reason === TRAP.protection,
        `${name}, ${symbol}: ${JSON.stringify(last)}`,
      );
    }
  }
});

test('an illegal instruction and an access that memory protection forbids cause a trap', async () => {
  for (const name of boards) {
    const { illegal, origin } = machines[name];
    const none = await stoppedAt(name, inImage);
    none.debug.write(none.at, illegal);
    assert.equal(lastOutputBeforeBoot(none.subject), { kind: 'trapped', site: 0, reason: TRAP.protection }, name);
    const astray = await stoppedAt(name, inImage);
    astray.debug.setRegister(origin, astray.debug.register(origin) ^ (1n << 28n));
    assert.equal(lastOutputBeforeBoot(astray.subject), { kind: 'trapped', site: 0, reason: TRAP.protection }, name);
  }
});

test('the watchdog ends an endless loop in the image or in the board loop, and the reset is counted', async () => {
  for (const name of boards) {
    for (const symbol of [inImage, inLoop]) {
      const { subject, debug, at } = await stoppedAt(name, symbol);
      debug.write(at, machines[name].stuck);
      const last = lastOutputBeforeBoot(subject);
      assert.ok(
        last.kind === 'hello' && last.cause === BOARD_CAUSE.watchdog && last.resetsInRow === 1,
        `${name}: ${JSON.stringify(last)}`,
      );
    }
  }
});

test.after(() => pool.close());
test.run();
