// needs: boards
// Tests SEC-1 on boards: a board stores which frame counters it has reserved and uses only later
// ones after a reset, whatever its configuration contains.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boardSources, buildBoard, buildTarget, compileProgram, sealCode } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { boardFolder, targets } from '../../host/board/targets.ts';
import { translateImage } from '../../host/board/translate.ts';
import { imagePath, rootFolder } from '../../host/build/root.ts';
import {
  ANSWER,
  BOARD_CAUSE,
  BOARD_CONFIG_BYTES_MAX,
  CRC_BYTES,
  GROUPS_MAX,
  INSPECT,
  PATH_KEYS,
  PORT_ASK,
  ROTAS_MAX,
  TRAP,
  TYPE,
} from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { recordRun } from '../../hwsim/campaign/board/recorded_run.ts';
import type { Hello, PortInput, PortOutput } from '../../hwsim/board/port.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { BoardSession } from '../../hwsim/emulator/session.ts';
import { SHAPES } from '../../host/cbor/generated/shapes.ts';

const pool = new EmulatorPool(20);
const [boot] = recordRun('flight').inputs as [Extract<PortInput, { kind: 'boot' }>];
const keys = { what: PORT_ASK.inspect + INSPECT.keys, index: 1 } as const;

test('the loop has room for the longest configuration', () => {
  const header = readFileSync(join(rootFolder, 'firmware/boards/loop/port.h'), 'utf8');
  const longest = (name: string) => SHAPES.find((shape) => shape.name === name)!.bytesMax;
  const records = [longest('config'), GROUPS_MAX * longest('group'), longest('place'), ROTAS_MAX * longest('rota')];
  const keys = [2 * longest('link-secret'), PATH_KEYS * longest('path-key')];
  const needed = [...records, ...keys].reduce((sum, bytes) => sum + bytes);
  assert.ok(needed <= BOARD_CONFIG_BYTES_MAX, `${needed} bytes, room for ${BOARD_CONFIG_BYTES_MAX}`);
  assert.ok(Number(/#define PORT_BYTES_MAX (\d+)u/.exec(header)![1]) >= 1 + 8 + BOARD_CONFIG_BYTES_MAX + CRC_BYTES);
});

function sessionOf(name: 'm7' | 'leon3', path: string, id: string): BoardSession {
  return new BoardSession({ pool, id, target: targets[name], path, elf: readElf(readFileSync(path)), counted: false });
}

function helloOf(session: BoardSession): Hello {
  const last = session.untilDone().at(-1);
  assert.ok(last?.kind === 'hello', JSON.stringify(last));
  return last as Hello;
}

/** Returns the counter up to which the board asks its platform to reserve; 0: it asks for none. */
function askedIn(outputs: readonly PortOutput[]): number {
  const fields = new Uint32Array(24);
  for (const output of outputs)
    if (
      output.kind === 'record' &&
      readRecord(output.bytes, 0, output.bytes.length, fields) > 1 &&
      fields[0] === TYPE.reserveCounters
    )
      return fields[1];
  return 0;
}

function keysOf(session: BoardSession): number[] {
  session.give({ kind: 'ask', what: keys.what, index: keys.index });
  const answer = session.untilDone().at(-1);
  assert.ok(answer?.kind === 'answer');
  return (answer as { words: number[] }).words;
}

for (const name of ['m7', 'leon3'] as const) {
  test(`SEC-1 holds: ${name} alone reserves counters and begins behind them after a reset`, async () => {
    const { elf } = await buildBoard(name);
    const session = sessionOf(name, elf, `alone-${name}`);
    assert.is(helloOf(session).reserved, 0);
    session.give({ ...boot, ownClock: true });
    const asked = askedIn(session.untilDone());
    assert.ok(asked > 0);
    assert.is(keysOf(session)[ANSWER.keys.reserved], asked, 'it has recorded the reservation');
    session.give({ kind: 'reset', how: 0 });
    const hello = helloOf(session);
    assert.equal([hello.reserved, hello.cause], [asked, BOARD_CAUSE.commanded]);
    // The same configuration as at first: nothing reserved.
    session.give({ ...boot, ownClock: true });
    const again = askedIn(session.untilDone());
    assert.is(keysOf(session)[ANSWER.keys.sentCounter], asked, 'it continues behind the reservation');
    assert.ok(again > asked);
    session.close();
  });
}

test('SEC-1 holds: a driven board keeps what it reserves and leaves the confirmation to its driver', async () => {
  const { elf } = await buildBoard('m7');
  const session = sessionOf('m7', elf, 'driven');
  helloOf(session);
  session.give(boot);
  const asked = askedIn(session.untilDone());
  assert.is(keysOf(session)[ANSWER.keys.reserved], 0);
  session.give({ kind: 'reset', how: 0 });
  assert.is(helloOf(session).reserved, asked);
  session.close();
});

test('SEC-1 violated: no board is built with the null cipher, and a program that has it does not start', async () => {
  const target = { ...targets.m7, board: 'm7-fleet', variant: 'fleet' as const };
  try {
    await buildTarget(target);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /null cipher, which is for simulations: no board flies it/);
  }
  const folder = boardFolder(target);
  mkdirSync(folder, { recursive: true });
  const image = imagePath('fleet');
  writeFileSync(join(folder, 'image.c'), translateImage(image));
  await compileProgram(target, folder, boardSources(target), {});
  const elf = join(folder, 'heliograph.elf');
  sealCode(target, elf);
  const session = sessionOf('m7', elf, 'fleet');
  // The board restarts as often as with a damaged program, then reports the trap and stays silent.
  assert.equal(session.untilDone(), [{ kind: 'trapped', site: 0, reason: TRAP.code }]);
  session.close();
});

test.after(() => pool.close());
test.run();
