// needs: boards
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBoard } from '../../host/board/build.ts';
import { type Elf, readElf } from '../../host/board/elf.ts';
import type { TargetName } from '../../host/board/targets.ts';
import { rootFolder } from '../../host/build/root.ts';
import { Subject } from '../../hwsim/campaign/board/subject.ts';
import type { PortOutput } from '../../hwsim/board/port.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { BoardSession } from '../../hwsim/emulator/session.ts';
import { BOARD_CAUSE, PORT_ASK, TRAP } from '../../host/cbor/generated.ts';

const pool = new EmulatorPool(20);
const folder = mkdtempSync(join(tmpdir(), 'heliograph-code-'));
const boards = ['m7', 'rv64'] as const;

/** Returns the constant of this name in firmware/boards/loop/code.h. */
function constant(name: string): number {
  const header = readFileSync(join(rootFolder, 'firmware/boards/loop/code.h'), 'utf8');
  return Number(new RegExp(`#define ${name} (\\d+)u`).exec(header)![1]);
}

async function built(name: TargetName) {
  const { target, elf: path } = await buildBoard(name);
  return { target, path, elf: readElf(readFileSync(path)) };
}

/** Returns the bytes that are checked and the turns of the loop that a whole pass takes. */
function sizeOf(elf: Elf): { bytes: number; turns: number } {
  const bytes = elf.symbols.get('code_end')! - elf.symbols.get('code_begin')!;
  return { bytes, turns: Math.ceil(bytes / constant('CODE_CHUNK_BYTES')) };
}

const tick = { kind: 'tick', nowS: 0, nowMs: 0 } as const;

function give(subject: Subject, input: Parameters<Subject['give']>[0]): PortOutput[] {
  subject.give(input);
  return subject.outputs();
}

test('RAD-1 holds: a flipped bit in the code of a running board causes a counted reset within two passes', async () => {
  for (const name of boards) {
    const parts = await built(name);
    const { turns } = sizeOf(parts.elf);
    const subject = new Subject({ pool, ...parts });
    subject.start();
    give(subject, tick);
    // The function is not called meanwhile, so that only the check of the code can find the bit.
    const flippedAt = parts.elf.symbols.get('call_inspect')! + 4;
    subject.asleep(() => {
      const [before] = subject.debug.read(flippedAt, 1);
      subject.debug.write(flippedAt, Uint8Array.of(before ^ 8));
    });
    let inputs = 0;
    let last: PortOutput;
    do {
      last = give(subject, tick).at(-1)!;
      inputs += 1;
    } while (last.kind === 'done' && inputs <= 2 * turns);
    assert.ok(last.kind === 'hello', `${name}: ${inputs} inputs, no reset`);
    assert.is(last.cause, BOARD_CAUSE.code);
    assert.is(last.resetsInRow, 1);
    assert.ok(inputs <= 2 * turns, `${name}: ${inputs} inputs, a pass has ${turns}`);
    subject.close();
  }
});

test('passes over intact code end without a reset and are counted', async () => {
  const parts = await built('rv64');
  const { turns } = sizeOf(parts.elf);
  const subject = new Subject({ pool, ...parts });
  subject.start();
  for (let turn = 0; turn < 2 * turns; turn += 1) assert.is(give(subject, tick).at(-1)!.kind, 'done');
  assert.equal(give(subject, { kind: 'ask', what: PORT_ASK.code, index: 0 }), [{ kind: 'answer', words: [2, 0, 0] }]);
  subject.close();
});

test('RAD-1 violated: a program that was altered after its build does not start', async () => {
  for (const name of boards) {
    const { target, path, elf } = await built(name);
    const bytes = readFileSync(path);
    const text = elf.sections.find(({ name: section }) => section === '.text')!;
    bytes[text.offset + elf.symbols.get('call_inspect')! + 4 - text.address] ^= 8;
    const altered = join(folder, `${name}.elf`);
    writeFileSync(altered, bytes);
    const session = new BoardSession({ pool, id: pool.uniqueId(name), target, path: altered, elf, counted: false });
    assert.equal(session.next(), { kind: 'trapped', site: 0, reason: TRAP.code });
    session.close();
  }
});

test.after(() => {
  pool.close();
  rmSync(folder, { recursive: true, force: true });
});
test.run();
