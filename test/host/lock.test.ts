// The lock of a state folder: one holder at a time, who is named; and who may read it.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockFolder } from '../../host/store/lock.ts';
import { StoreError } from '../../host/store/store.ts';
import { inFolder } from './support.ts';

const since = '2026-01-18T00:00:00Z';

function refusal(folder: string): StoreError {
  try {
    lockFolder(folder, since).release();
  } catch (error) {
    assert.instance(error, StoreError);
    return error as StoreError;
  }
  throw new Error('the lock was given');
}

test('a locked folder is refused with its holder and the next step, until it is released', () =>
  inFolder((folder) => {
    const lock = lockFolder(folder, since);
    const { code, message } = refusal(folder);
    assert.is(code, 'EAGAIN');
    const holder = `process ${process.pid} on ${hostname()} since ${since}`;
    assert.is(
      message,
      `${folder} is in use by ${holder}: two nodes with one state would send one counter twice; ` +
        'stop that process, or name another --state',
    );
    lock.release();
    lockFolder(folder, since).release();
  }));

test('a holder that has not written yet is another process', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'lock');
    writeFileSync(path, '');
    const holder = spawn('flock', ['-n', path, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      let message = '';
      for (let turn = 0; turn < 200 && message === ''; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        try {
          lockFolder(folder, since).release();
          writeFileSync(path, '');
        } catch (error) {
          message = (error as Error).message;
        }
      }
      assert.match(message, /is in use by another process: /);
    } finally {
      holder.stdin.end();
    }
  }));

test('the file names the present holder only, and nobody but the owner may read it', () =>
  inFolder((folder) => {
    const path = join(folder, 'lock');
    writeFileSync(path, `${'x'.repeat(500)}\n`);
    chmodSync(path, 0o666);
    const lock = lockFolder(folder, since);
    assert.is(readFileSync(path, 'utf8'), `process ${process.pid} on ${hostname()} since ${since}\n`);
    assert.is(statSync(path).mode & 0o777, 0o600);
    lock.release();
  }));

test('a missing folder is made for its owner alone, with the folders above it', () =>
  inFolder((folder) => {
    const before = process.umask(0);
    try {
      const places = [join(folder, 'state'), join(folder, 'a', 'b', 'state')];
      for (const place of places) {
        lockFolder(place, since).release();
        assert.is(statSync(place).mode & 0o777, 0o700);
      }
    } finally {
      process.umask(before);
    }
  }));

test('a folder that cannot be is an error with its name and the reason', () =>
  inFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    assert.match(
      refusal(join(file, 'state')).message,
      /cannot write .*file\/state\/lock: a file stands where a folder/,
    );
    mkdirSync(join(folder, 'odd', 'lock'), { recursive: true });
    assert.match(refusal(join(folder, 'odd')).message, /cannot write .*odd\/lock: /);
  }));

test('without the program flock the message says what to install', () =>
  inFolder((folder) => {
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      const { code, message } = refusal(folder);
      assert.is(code, 'flock');
      assert.match(message, /cannot lock .*lock: the program flock does not run.*util-linux and in BusyBox/);
    } finally {
      process.env.PATH = PATH;
    }
  }));

test.run();
