import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

test('every corruption of the newer slot falls back to the older one and says so', () =>
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

test('after a fall-back the good slot is not the one overwritten', () =>
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

test('both slots corrupt: nothing is returned, two faults are named', () =>
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

test.run();
