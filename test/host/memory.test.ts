// What a node keeps through a reset: counters, reservation, checkpoints, and who may read them.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOTS_MAX } from '../../host/cbor/generated.ts';
import { Memory } from '../../host/node/memory.ts';
import { Store } from '../../host/store/store.ts';
import { inFolder } from './support.ts';

const memoryIn = (folder: string, mayBeEmpty = true) => new Memory(new Store(folder), () => {}, mayBeEmpty);

test('each boot is counted on the disk before it is used', () =>
  inFolder((folder) => {
    assert.is(memoryIn(folder).nextIncarnation(), 1);
    assert.is(memoryIn(folder).boots, 1, 'another process reads the count');
    assert.is(memoryIn(folder).nextIncarnation(), 2);
    assert.is(memoryIn(folder).nextIncarnation(), 3);
  }));

test('resets and reservation outlast the process, and a reservation never falls', () =>
  inFolder((folder) => {
    const memory = memoryIn(folder);
    memory.nextIncarnation();
    memory.setResets(2);
    memory.reserve(700);
    memory.reserve(500);
    const again = memoryIn(folder);
    assert.equal([again.boots, again.resets, again.reserved], [1, 2, 700]);
    assert.is(again.hasHistory, true);
  }));

test('both records hold a reservation, so that none of them brings an older one back', () =>
  inFolder((folder) => {
    const memory = memoryIn(folder);
    memory.reserve(500);
    memory.reserve(700);
    const { records } = new Store(folder).read('counters');
    const reserved = records.map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(8));
    assert.equal(reserved, [700, 700]);
  }));

test('an empty store is a first boot only where that may be', () =>
  inFolder((folder) => {
    assert.is(memoryIn(folder).nextIncarnation(), 1);
    return inFolder((other) => {
      assert.is(memoryIn(other, false).hasHistory, false);
      assert.is(memoryIn(other, false).nextIncarnation(), 2, 'the store may have been lost');
    });
  }));

test('counters whose size is wrong are passed over and reported; without others they are lost', () =>
  inFolder((folder) => {
    const memory = memoryIn(folder);
    memory.nextIncarnation();
    memory.reserve(700);
    const store = new Store(folder);
    store.write('counters', new Uint8Array(8));
    const faults: string[] = [];
    const again = new Memory(new Store(folder), (event, _, words) => faults.push(`${event} ${words}`));
    assert.equal([again.boots, again.reserved, faults.length], [1, 700, 1]);
    assert.match(faults[0], /^store-fault .*a record of counters has not 12 bytes/);
    store.write('counters', new Uint8Array(0));
    const lost = memoryIn(folder);
    assert.equal([lost.hasHistory, lost.reserved, lost.nextIncarnation()], [true, 0, 2], 'this is no first boot');
  }));

test('a node that has booted as often as it may says so, and boots no more', () =>
  inFolder((folder) => {
    const record = new Uint8Array(12);
    new DataView(record.buffer).setUint32(0, BOOTS_MAX - 1);
    new Store(folder).write('counters', record);
    assert.is(memoryIn(folder).nextIncarnation(), BOOTS_MAX);
    assert.throws(
      () => memoryIn(folder).nextIncarnation(),
      /has booted 8191 times, 8191 are allowed: make the cluster/,
    );
    assert.is(memoryIn(folder).boots, BOOTS_MAX);
  }));

test('nobody but the owner may read the files of a node', () =>
  inFolder((folder) => {
    const before = process.umask(0);
    try {
      const memory = memoryIn(folder);
      memory.nextIncarnation();
      memory.saveCheckpoint(new Uint8Array(64).fill(1));
      memory.saveCheckpoint(new Uint8Array(64).fill(2));
    } finally {
      process.umask(before);
    }
    const files = readdirSync(folder);
    assert.ok(files.includes('checkpoint.b') && files.includes('counters.a'), files.join(' '));
    for (const file of files) assert.is(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  }));

test.run();
