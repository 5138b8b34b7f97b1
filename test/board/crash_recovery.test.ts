// needs: boards
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBoard } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { nextConfig } from '../../hwsim/campaign/board/restart.ts';
import { recordRun } from '../../hwsim/campaign/board/recorded_run.ts';
import { Subject } from '../../hwsim/campaign/board/subject.ts';
import type { Debugger } from '../../hwsim/emulator/debugger.ts';
import type { PortInput, PortOutput } from '../../hwsim/board/port.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';

/**
 * RAD-1, control flow: whatever goes astray, in a call into the image or in the board's own loop, ends in the crash recovery: told as a trap or caught by the watchdog, and back from
 * the checkpoint afterwards.
 */

const pool = new EmulatorPool(20);
const boards = ['m7', 'rv64'] as const;
const reasonProtection = 4;
const causeWatchdog = 2;
const runtimeRestart = 4;
/** Row up to the first checkpoint and one input more. */
const row = recordRun('flight');
const inputsBefore = row.inputs.findIndex(({ kind }) => kind === 'store') + 1;

interface Machine {
  /** Of the instruction at which it stands: jump to itself; no instruction at all. */
  readonly stuck: Uint8Array;
  readonly illegal: Uint8Array;
  /** Holds the origin of linear memory. */
  readonly origin: string;
}
const machines: Record<(typeof boards)[number], Machine> = {
  m7: { stuck: Uint8Array.of(0xfe, 0xe7), illegal: Uint8Array.of(0x00, 0xde), origin: 'r9' },
  rv64: { stuck: Uint8Array.of(0x01, 0xa0), illegal: Uint8Array.of(0x00, 0x00), origin: 'x27' },
};

/** A board that has stored a checkpoint and stands in the middle of a tick; or, with `symbol`, where it first gets to that function in working on the tick. */
async function standing(
  name: (typeof boards)[number],
  symbol: string,
): Promise<{ subject: Subject; debug: Debugger; at: number }> {
  const { target, elf: path } = await buildBoard(name);
  const elf = readElf(readFileSync(path));
  const subject = new Subject({ pool, target, path, elf });
  subject.start();
  for (const input of row.inputs.slice(0, inputsBefore)) {
    subject.give(input);
    subject.outputs();
  }
  const at = elf.symbols.get(symbol)!;
  const { debug } = subject;
  debug.interrupt();
  debug.setBreakpoint(at);
  debug.resume();
  subject.give(row.inputs.slice(inputsBefore).find(({ kind }) => kind === 'tick')!);
  debug.awaitStop();
  debug.clearBreakpoint(at);
  return { subject, debug, at };
}

/** Lets it go; what it says first; then boots it again, from its checkpoint, and it works. */
function ending(subject: Subject): PortOutput {
  subject.debug.resume();
  const last = subject.outputs().at(-1)!;
  const [boot] = row.inputs as [Extract<PortInput, { kind: 'boot' }>];
  subject.give({ ...boot, cause: runtimeRestart, config: nextConfig(boot.config, 0, 0) });
  const outputs = subject.outputs();
  const done = outputs.at(-1)!;
  assert.ok(done.kind === 'done' && (done.status & STATUS_MASK) === STATUS.ok, JSON.stringify(done));
  // booted: [192, cause, restored, incarnation].
  const booted = outputs.find((output) => output.kind === 'record' && output.bytes[2] === 192);
  assert.ok(booted?.kind === 'record' && booted.bytes[4] === 1, 'it does not come back from its checkpoint');
  subject.close();
  return last;
}

const inImage = 'measure_begin_tick';
const inLoop = 'port_end';

test('a wild branch ends in a trap: to where nothing is, into linear memory, out of the loop itself', async () => {
  for (const name of boards) {
    const linear = readElf(readFileSync((await buildBoard(name)).elf)).symbols.get('linear_begin')!;
    const wild: [string, bigint][] = [
      [inImage, 0x1000_0000n],
      [inImage, BigInt(linear + 0x4000)],
      [inLoop, 0xd000_0000n],
    ];
    for (const [symbol, to] of wild) {
      const { subject, debug } = await standing(name, symbol);
      debug.setRegister('pc', to);
      const last = ending(subject);
      assert.ok(
        last.kind === 'trapped' && last.reason === reasonProtection,
        `${name}, ${symbol}: ${JSON.stringify(last)}`,
      );
    }
  }
});

test('an instruction that is none, and an access that memory protection forbids, end in a trap', async () => {
  for (const name of boards) {
    const { illegal, origin } = machines[name];
    const none = await standing(name, inImage);
    none.debug.write(none.at, illegal);
    assert.equal(ending(none.subject), { kind: 'trapped', site: 0, reason: reasonProtection }, name);
    const astray = await standing(name, inImage);
    astray.debug.setRegister(origin, astray.debug.register(origin) ^ (1n << 28n));
    assert.equal(ending(astray.subject), { kind: 'trapped', site: 0, reason: reasonProtection }, name);
  }
});

test('a loop without end, in the image or in the loop, is ended by the watchdog, and the reset is counted', async () => {
  for (const name of boards) {
    for (const symbol of [inImage, inLoop]) {
      const { subject, debug, at } = await standing(name, symbol);
      debug.write(at, machines[name].stuck);
      const last = ending(subject);
      assert.ok(
        last.kind === 'hello' && last.cause === causeWatchdog && last.resetsInRow === 1,
        `${name}: ${JSON.stringify(last)}`,
      );
    }
  }
});

test.after(() => pool.close());
test.run();
