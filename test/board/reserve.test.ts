// needs: boards
// SEC-1: a board keeps itself what it has reserved of its counters, and begins behind it, whoever gives it its configuration.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  boardSources,
  buildBoard,
  buildTarget,
  compileProgram,
  loopBufferBytes,
  sealCode,
} from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { boardFolder, targets } from '../../host/board/targets.ts';
import { translateImage } from '../../host/board/translate.ts';
import { imagePath, rootFolder } from '../../host/build/root.ts';
import { FIELD, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { recordRun } from '../../hwsim/campaign/board/recorded_run.ts';
import { askFor, type Hello, type PortInput, type PortOutput } from '../../hwsim/board/port.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { BoardSession } from '../../hwsim/emulator/session.ts';

const pool = new EmulatorPool(20);
const [boot] = recordRun('flight').inputs as [Extract<PortInput, { kind: 'boot' }>];
const keys = { what: askFor.inspect + 12, index: 1, reserved: 2, sent: 3 } as const;
const causeCommanded = 3;

test('the loop knows where a configuration has the counter, and has room for the longest', () => {
  const text = (file: string) => readFileSync(join(rootFolder, 'firmware/boards/loop', file), 'utf8');
  assert.is(Number(/#define RESERVED_ITEM (\d+)u/.exec(text('config.c'))![1]), FIELD.config.reserved);
  const generated = (file: string) => readFileSync(join(rootFolder, 'firmware/wire/generated', file), 'utf8');
  const layout = generated('boot.ts') + generated('observations.ts');
  const longest = (name: string) => Number(new RegExp(`${name}_BYTES_MAX: u32 = (\\d+)`).exec(layout)![1]);
  const needed = longest('CONFIG') + 32 * longest('GROUP') + 2 * longest('LINK_SECRET') + 9 * longest('PATH_KEY');
  const room = Number(/#define CONFIG_BYTES (\d+)u/.exec(text('loop.c'))![1]);
  assert.ok(needed <= room && room + 16 === loopBufferBytes, `${needed} bytes, room for ${room}`);
  assert.ok(Number(/#define PORT_BYTES_MAX (\d+)u/.exec(text('port.h'))![1]) >= 1 + 8 + room + 4);
});

function sessionOf(name: 'm7' | 'leon3', path: string, id: string): BoardSession {
  return new BoardSession({ pool, id, target: targets[name], path, elf: readElf(readFileSync(path)), counted: false });
}

function helloOf(session: BoardSession): Hello {
  const last = session.untilDone().at(-1);
  assert.ok(last?.kind === 'hello', JSON.stringify(last));
  return last as Hello;
}

/** The counter that the board asks its platform to reserve; 0: none. */
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
  test(`SEC-1 holds: ${name} alone reserves, keeps and confirms; after a reset it begins behind that, though its configuration knows of nothing`, async () => {
    const { elf } = await buildBoard(name);
    const session = sessionOf(name, elf, `alone-${name}`);
    assert.is(helloOf(session).reserved, 0);
    session.give({ ...boot, ownClock: true });
    const asked = askedIn(session.untilDone());
    assert.ok(asked > 0);
    assert.is(keysOf(session)[keys.reserved], asked, 'it has told itself');
    session.give({ kind: 'reset', how: 0 });
    const hello = helloOf(session);
    assert.equal([hello.reserved, hello.cause], [asked, causeCommanded]);
    // The same configuration as at first: nothing reserved.
    session.give({ ...boot, ownClock: true });
    const again = askedIn(session.untilDone());
    assert.is(keysOf(session)[keys.sent], asked, 'it goes on behind what it had reserved');
    assert.ok(again > asked);
    session.close();
  });
}

test('SEC-1 holds: a board that is driven keeps what it reserves, and leaves it to whoever drives it to say so', async () => {
  const { elf } = await buildBoard('m7');
  const session = sessionOf('m7', elf, 'driven');
  helloOf(session);
  session.give(boot);
  const asked = askedIn(session.untilDone());
  assert.is(keysOf(session)[keys.reserved], 0);
  session.give({ kind: 'reset', how: 0 });
  assert.is(helloOf(session).reserved, asked);
  session.close();
});

test('SEC-1 violated: no board is built with the stand-in of a cipher, and one that was all the same does not start', async () => {
  const target = { ...targets.m7, board: 'm7-stand-in', variant: 'null-cipher' as const };
  try {
    await buildTarget(target);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /stand-in for simulations: no board flies it/);
  }
  const folder = boardFolder(target);
  mkdirSync(folder, { recursive: true });
  const image = imagePath('null-cipher');
  writeFileSync(join(folder, 'image.c'), translateImage(image));
  await compileProgram(target, folder, boardSources(target), {});
  const elf = join(folder, 'heliograph.elf');
  sealCode(target, elf);
  const session = sessionOf('m7', elf, 'stand-in');
  // It tries as often as with a program that is damaged, and is silent then.
  assert.equal(session.untilDone(), [{ kind: 'trapped', site: 0, reason: 5 }]);
  session.close();
});

test.after(() => pool.close());
test.run();
