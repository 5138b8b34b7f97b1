// needs: boards
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBoard, buildTarget } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { flashInvocation, probeTrouble } from '../../host/board/flash.ts';
import { budgetLines } from '../../host/board/sizes.ts';
import { realBoards, targetNames } from '../../host/board/targets.ts';
import { rootFolder } from '../../host/build/root.ts';

const heliograph = (...words: string[]) =>
  spawnSync(process.execPath, [join(rootFolder, 'host/bin/heliograph.mjs'), ...words], { encoding: 'utf8' });

test('BRD-1 holds: every target builds within its budget, as ELF, raw binary, Intel HEX and map', async () => {
  for (const name of targetNames) {
    const build = await buildBoard(name);
    assert.equal(
      budgetLines(build.target, build.sizes).filter((line) => !line.ok),
      [],
      name,
    );
    const binary = readFileSync(build.binary);
    assert.is(binary.length >= build.sizes.codeBytes, true, name);
    assert.match(readFileSync(build.hex, 'utf8'), /^:[0-9A-F]+\r?\n[\s\S]*:00000001FF\r?\n$/);
    assert.match(readFileSync(build.map, 'utf8'), /image_receive/);
    assert.is(readElf(readFileSync(build.elf)).bigEndian, build.target.bigEndian, name);
  }
});

test('the m4 keeps to 32 KiB of linear memory, 128 KiB of code and 44.8 KiB of RAM', async () => {
  const { sizes } = await buildBoard('m4');
  assert.ok(
    sizes.linearBytes <= 32 << 10 && sizes.codeBytes <= 128 << 10 && sizes.ramBytes <= 44.8 * 1024,
    JSON.stringify(sizes),
  );
});

test('BRD-1 violated: a size above its budget is reported', async () => {
  const { target, sizes } = await buildBoard('m4');
  const lines = budgetLines(target, { ...sizes, ramBytes: 45_876 });
  assert.equal(
    lines.filter((line) => !line.ok).map((line) => line.what),
    ['RAM in all'],
  );
});

test('nothing of a C library is linked, and static data needs no initial values', async () => {
  for (const name of targetNames) {
    const elf = readElf(readFileSync((await buildBoard(name)).elf));
    for (const symbol of ['malloc', 'memcpy', 'memset', 'memmove', 'printf', '_start', 'main'])
      assert.not.ok(elf.symbols.has(symbol), `${name} links ${symbol}`);
    assert.is(elf.sections.find((section) => section.name === '.data')?.bytes ?? 0, 0, name);
  }
});

test('the SAMV71 board links at its own addresses, and OpenOCD parses what writes it', async () => {
  const { elf } = await buildTarget(realBoards.m7!);
  assert.is(readElf(readFileSync(elf)).sections.find((section) => section.name === '.text')?.address, 0x00400000);
  const invocation = flashInvocation('m7', 'interface/cmsis-dap.cfg', elf);
  // OpenOCD itself parses all of the command but its last words, which need a board.
  const parsed = spawnSync(invocation[0], [...invocation.slice(1, -1), 'echo parsed; shutdown'], { encoding: 'utf8' });
  assert.match(parsed.stderr, /^parsed$/m);
  assert.is(parsed.status, 0, parsed.stderr);
});

test('board flash reports what is wrong and what to do', () => {
  const dry = heliograph('board', 'flash', 'm7', '--dry-run');
  assert.is(dry.status, 0, dry.stderr);
  assert.match(dry.stdout, /^openocd -f interface\/cmsis-dap\.cfg .*samv71.*program .*verify reset exit'$/m);
  const absent = heliograph('board', 'flash', 'm7', '--probe', 'interface/no-such-probe.cfg');
  assert.is(absent.status, 4);
  assert.match(absent.stderr, /does not know interface\/no-such-probe\.cfg/);
  const none = heliograph('board', 'flash', 'rv64');
  assert.is(none.status, 4);
  assert.match(none.stderr, /no recipe to flash rv64/);
  assert.is(heliograph('board', 'flash', 'z80').status, 2);
  assert.match(
    probeTrouble('Error: unable to find a matching CMSIS-DAP device', 'interface/cmsis-dap.cfg') ?? '',
    /no debug probe answers/,
  );
});

test('board build reports its files as text and as JSON', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-'));
  try {
    const run = heliograph('board', 'build', 'm4', '--json');
    assert.is(run.status, 0, run.stderr);
    const [report] = JSON.parse(run.stdout);
    assert.equal([report.name, report.preset, report.elf], ['m4', 'compact', 'dist/boards/m4/heliograph.elf']);
    // On a machine without compilers the error names the command that installs them.
    const bare = spawnSync(
      process.execPath,
      [join(rootFolder, 'host/bin/heliograph.mjs'), 'board', 'build', 'm4', '--force'],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: folder },
      },
    );
    assert.is(bare.status, 4);
    assert.match(bare.stderr, /arm-none-eabi-gcc.* not installed.*apt-get/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
