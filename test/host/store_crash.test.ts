import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { writeRecord } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { decodeSlot, Store, StoreError } from '../../host/store/store.ts';
import { inFolder } from './support.ts';

/**
 * Run as a process of its own by the test below: writes records as fast as it can, and says which
 * are on the disk.
 */
const writerWord = 'write-until-killed';
const writerBytes = 50_000;

function writeUntilKilled(folder: string): void {
  const store = new Store(folder);
  for (let n = 1; ; n += 1) {
    store.write('checkpoint', new Uint8Array(writerBytes).fill(n & 0xff));
    console.log(n);
  }
}

const onceWord = 'write-once';

function writeOnce(folder: string): void {
  try {
    new Store(folder).write('checkpoint', new Uint8Array(writerBytes));
  } catch (error) {
    console.log(error instanceof StoreError ? error.message : `another error: ${error}`);
  }
}

/**
 * Starts the writer, kills it in the middle of its work after `acknowledged` records; returns the
 * last one that it said was written.
 */
function killedAfter(folder: string, acknowledged: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [process.argv[1], writerWord, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = Number(line);
      if (last === acknowledged) child.kill('SIGKILL');
    });
    child.on('close', () => resolve(last));
  });
}

/** Three checkpoints of the tiny image. */
function checkpoints(): Uint8Array[] {
  const engine = loadV8Engine('tiny');
  const { calls, image } = engine;
  const context = engine.reserve(image.contextBytes);
  const out = engine.reserve(image.checkpointBytes);
  const config = [TYPE.config, 1, 0, 4, 1, 1, 77, 1, 0, 0, 200, 8000, 6000, 1000, 40, 0, 60, 0, 0, 0, 0, 0];
  assert.is(calls.boot(context, out, writeRecord(engine.view(), out, config), 1, 0, 0) & 0xff, 0);
  return [300, 900, 1500].map((atS) => {
    calls.tick(context, atS, 0);
    return engine.view().slice(out, out + calls.checkpoint(context, out, image.checkpointBytes));
  });
}

test('RAD-3 holds: of a checkpoint file torn at any byte, in any way, the store reads the one before', () =>
  inFolder((folder) => {
    const [first, second, third] = checkpoints();
    const store = new Store(folder);
    store.write('checkpoint', first);
    const path = join(folder, 'checkpoint.a');
    const old = readFileSync(path);
    store.write('checkpoint', second);
    store.write('checkpoint', third);
    const fresh = readFileSync(path);
    assert.is(fresh.length, old.length);
    let states = 0;
    for (let length = 0; length <= fresh.length; length += 1) {
      const head = fresh.subarray(0, length);
      const zeros = Buffer.alloc(fresh.length);
      zeros.set(head);
      for (const torn of [head, Buffer.concat([head, old.subarray(length)]), zeros]) {
        states += 1;
        // Zeros may be what a checkpoint ends in, and nothing what was written yet; all else is no
        // record.
        const whole = torn.equals(fresh) ? third : torn.equals(old) ? first : null;
        const found = decodeSlot(torn);
        const right =
          whole === null
            ? typeof found === 'string'
            : typeof found !== 'string' && Buffer.compare(found.bytes, whole) === 0;
        if (!right) assert.unreachable(`torn after ${length} bytes`);
        if (length % 97 !== 0) continue;
        writeFileSync(path, torn);
        const { record } = new Store(folder).read('checkpoint');
        assert.is(Buffer.compare(record?.bytes ?? Buffer.alloc(0), whole === third ? third : second), 0);
      }
    }
    console.log(`${states} states of a torn slot file, tiny image, ${fresh.length} bytes a slot`);
  }));

test('RAD-3 holds: a write that stops before its rename leaves both checkpoints, and its file is removed', () =>
  inFolder((folder) => {
    const [first, second, third] = checkpoints();
    const store = new Store(folder);
    store.write('checkpoint', first);
    store.write('checkpoint', second);
    for (const share of [0, 0.5, 1]) {
      const stopped = new Store(folder, (path, bytes) => {
        writeFileSync(`${path}.123456`, bytes.subarray(0, Math.floor(share * bytes.length)));
        throw new Error('killed');
      });
      assert.throws(() => stopped.write('checkpoint', third));
      assert.is(readdirSync(folder).length, 3);
      const { records, faults } = new Store(folder).read('checkpoint');
      assert.equal(
        records.map(({ bytes }) => bytes),
        [second, first],
      );
      assert.equal(faults, []);
      assert.is(readdirSync(folder).length, 2);
    }
    // Renamed and then stopped, before the writer could say so: the new one counts.
    const renamed = new Store(folder, (path, bytes) => {
      writeFileSync(`${path}.123456`, bytes);
      renameSync(`${path}.123456`, path);
      throw new Error('killed');
    });
    assert.throws(() => renamed.write('checkpoint', third));
    assert.equal(new Store(folder).read('checkpoint').record?.bytes, third);
  }));

test('RAD-3 holds: a process killed in a write loses no confirmed record and leaves no half record', async () => {
  let last = 0;
  await inFolder(async (folder) => {
    for (let kill = 0; kill < 12; kill += 1) {
      const acknowledged = await killedAfter(folder, 3 + kill);
      const { record, records } = new Store(folder).read('checkpoint');
      assert.ok(record !== null && records.length >= 1);
      assert.ok(
        record.sequence >= last + acknowledged,
        `${record.sequence} is older than ${acknowledged} written after ${last}`,
      );
      for (const { bytes } of records)
        assert.ok(bytes.length === writerBytes && bytes.every((byte) => byte === bytes[0]));
      last = record.sequence;
    }
  });
});

test('RAD-3 holds: a full disk that takes part of a record is an error, and the stored record stays', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    for (const n of [1, 2]) store.write('checkpoint', new Uint8Array(1000).fill(n));
    // A limit on the size of files, in blocks of 512 bytes, does what a full disk does: a write
    // falls short, and only the next one is refused.
    const { status, stdout } = spawnSync('sh', [
      '-c',
      'ulimit -f 60 && exec "$0" "$@"',
      process.execPath,
      process.argv[1],
      onceWord,
      folder,
    ]);
    assert.is(status, 0);
    assert.match(stdout.toString(), /^cannot write .*checkpoint\.a: /);
    const { records, faults } = store.read('checkpoint');
    assert.equal(faults, []);
    assert.equal(
      records.map(({ bytes }) => bytes[0]),
      [2, 1],
    );
    assert.is(readdirSync(folder).length, 2);
  }));

if (process.argv[2] === onceWord) writeOnce(process.argv[3]);
else if (process.argv[2] === writerWord) writeUntilKilled(process.argv[3]);
else test.run();
