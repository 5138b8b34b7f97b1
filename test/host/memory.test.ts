// What a node keeps through a reset: counters, reservation, checkpoints, and who may read them.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
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
