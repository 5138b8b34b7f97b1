import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeSlot, Store, StoreError } from '../../host/store/store.ts';
import { inFolder } from './support.ts';

const payload = (n: number) => new Uint8Array(100).fill(n);

test('the newest record is read, also by another process', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    assert.is(store.read('checkpoint').record, null);
    for (let n = 1; n <= 5; n++) {
      store.write('checkpoint', payload(n));
      const { record, faults } = new Store(folder).read('checkpoint');
      assert.equal(record, { bytes: payload(n), sequence: n });
      assert.equal(faults, []);
    }
    assert.equal(readdirSync(folder).sort(), ['checkpoint.a', 'checkpoint.b']);
  }));

test('every corruption of the newer checkpoint slot is reported, and the older one is read', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    const path = join(folder, 'checkpoint.b');
    const good = readFileSync(path);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3] ^= 1 << (bit & 7);
      assert.type(decodeSlot(bad), 'string', `bit ${bit} passed`);
    }
    for (let length = 0; length < good.length; length++) {
      writeFileSync(path, good.subarray(0, length));
      const { record, faults } = new Store(folder).read('checkpoint');
      assert.equal(record, { bytes: payload(1), sequence: 1 });
      assert.is(faults.length, 1);
      assert.match(faults[0], /checkpoint\.b/);
    }
  }));

test('a file that is larger than a record may be is reported, and not read', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    // As large as a disk, and without a block on it.
    truncateSync(join(folder, 'checkpoint.b'), 2 ** 40);
    const { record, faults } = new Store(folder).read('checkpoint');
    assert.equal(record, { bytes: payload(1), sequence: 1 });
    assert.equal(faults, [
      `${join(folder, 'checkpoint.b')} has ${2 ** 40} bytes, more than a record may have (1048576)`,
    ]);
  }));

test('after a corruption the intact checkpoint slot is not overwritten', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    writeFileSync(join(folder, 'checkpoint.b'), 'rubbish');
    const again = new Store(folder);
    again.read('checkpoint');
    again.write('checkpoint', payload(3));
    writeFileSync(join(folder, 'checkpoint.b'), 'rubbish');
    assert.equal(new Store(folder).read('checkpoint').record?.bytes, payload(1));
  }));

test('two corrupt checkpoint slots give no checkpoint and two named faults', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    for (const slot of ['a', 'b']) writeFileSync(join(folder, `checkpoint.${slot}`), '');
    const { record, faults } = new Store(folder).read('checkpoint');
    assert.is(record, null);
    assert.is(faults.length, 2);
  }));

test('a folder that cannot be is an error naming it', () =>
  inFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    assert.throws(
      () => new Store(file),
      (error: Error) => error instanceof StoreError && error.message.includes(file),
    );
  }));

test('a disk that is full is an error with the next step, and both checkpoints are still there', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    const full = new Store(folder, (path) => {
      throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' });
    });
    for (let tries = 0; tries < 2; tries += 1) {
      assert.throws(
        () => full.write('checkpoint', payload(3)),
        (error: StoreError) =>
          error.code === 'ENOSPC' &&
          /cannot write .*checkpoint\.a: the disk is full: free some space/.test(error.message),
      );
    }
    assert.equal(
      new Store(folder).read('checkpoint').records.map(({ bytes }) => bytes[0]),
      [2, 1],
    );
    new Store(folder).write('checkpoint', payload(3));
    assert.equal(
      new Store(folder).read('checkpoint').records.map(({ bytes }) => bytes[0]),
      [3, 2],
    );
  }));

test('what the file system refuses is an error with its code and the next step', () =>
  inFolder((folder) => {
    const advice: [string, RegExp][] = [
      ['ENOSPC', /the disk is full: free some space/],
      ['EDQUOT', /the disk is full: free some space/],
      ['EROFS', /the file system is read-only: mount it for writing/],
      ['EACCES', /no permission to write there/],
      ['EPERM', /no permission to write there/],
      ['ENOENT', /no such file or folder/],
      ['ENOTDIR', /a file stands where a folder is needed/],
      ['EEXIST', /a file stands where a folder is needed/],
      ['EIO', /input or output/],
    ];
    for (const [code, words] of advice) {
      const store = new Store(folder, () => {
        throw Object.assign(new Error('input or output'), { code });
      });
      assert.throws(
        () => store.write('counters', payload(1)),
        (error: StoreError) => error.code === code && words.test(error.message) && /counters\.a/.test(error.message),
      );
    }
  }));

test('a checkpoint that its reader rejects counts no more, and the next write spares the other one', () =>
  inFolder((folder) => {
    const store = new Store(folder);
    store.write('checkpoint', payload(1));
    store.write('checkpoint', payload(2));
    store.reject('checkpoint', 2);
    assert.equal(new Store(folder).read('checkpoint').record, { bytes: payload(1), sequence: 1 });
    store.write('checkpoint', payload(3));
    assert.equal(
      new Store(folder).read('checkpoint').records.map(({ bytes, sequence }) => [bytes[0], sequence]),
      [
        [3, 3],
        [1, 1],
      ],
    );
  }));

test.run();
