import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runWith } from './run.ts';

/** A PATH on which there is nothing but node. */
const folder = mkdtempSync(join(tmpdir(), 'path-'));
symlinkSync(process.execPath, join(folder, 'node'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const bare = (...args: string[]) => runWith({ env: { ...process.env, PATH: folder } }, ...args);

test('board flash --dry-run needs no compiler and no OpenOCD', () => {
  const { status, stdout, stderr } = bare('board', 'flash', 'm7', '--dry-run');
  assert.is(status, 0, stderr);
  const place = "-c 'transport select swd' -f board/atmel_samv71_xplained_ultra.cfg";
  assert.ok(stdout.startsWith(`openocd -f interface/cmsis-dap.cfg ${place} -c 'program {`), stdout);
  assert.match(stdout, /heliograph\.elf\} verify reset exit'\n$/);
  const missing = bare('board', 'flash', 'm7', '--dry-run', '--image', 'none.elf');
  assert.is(missing.status, 3);
  assert.match(missing.stderr, /none\.elf: there is no such file/);
});

test('all missing tools are named at once, with one command that installs them', () => {
  const { status, stderr } = bare('board', 'build', 'all', '--force');
  assert.is(status, 4);
  assert.match(stderr, /arm-none-eabi-gcc, riscv64-unknown-elf-gcc, sparc64-linux-gnu-gcc are not installed: apt-get/);
  assert.match(stderr, /gcc-arm-none-eabi gcc-riscv64-unknown-elf gcc-sparc64-linux-gnu\n$/);
  const run = bare('sim', 'mixed-hardware');
  assert.is(run.status, 4);
  assert.match(run.stderr, /qemu-system-arm, qemu-system-riscv64, qemu-system-riscv32, qemu-system-sparc/);
  const flash = bare('board', 'flash', 'm7');
  assert.is(flash.status, 4);
  assert.match(flash.stderr, /openocd.* (is|are) not installed/);
});

test('a target without a recipe is not flashed', () => {
  const { status, stderr } = bare('board', 'flash', 'leon3', '--dry-run');
  assert.is(status, 4);
  assert.match(stderr, /no recipe to flash leon3/);
});

test.run();
