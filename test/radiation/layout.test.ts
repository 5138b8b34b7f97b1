// A checkpoint of another layout is refused. So the layout's number follows every change of a
// context: of the places and records in it, and of the times that give their figures a meaning.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { driven } from '../firmware/driven.ts';

/** The context of a layout, by its number: a changed context gets a new number. */
const fingerprints: { readonly [layout: number]: string } = { 14: 'b366e5dc02c14d0d' };

const times = ['LIVENESS_TICK_S', 'TICKS_UNTIL_SILENT', 'ROUND_S', 'CUT_LAG_S', 'LEASE_S'];

/** A digest of all places and records of a context, and of the times. */
function fingerprintOfContext(): string {
  const constants = firmwareConstants('flight');
  const places = [...constants].filter(([name]) => name.endsWith('_AT') || times.includes(name));
  const modules = readdirSync(join(rootFolder, 'firmware')).sort();
  const records = modules.flatMap((room) => {
    const files = readdirSync(join(rootFolder, 'firmware', room)).filter((name) => name === 'records.ts');
    return files.map((name) => readFileSync(join(rootFolder, 'firmware', room, name), 'utf8'));
  });
  assert.ok(places.length > 30 && records.length >= 7, 'places and records are found');
  const fields = records.flatMap((text) => text.match(/^ {2}\w+: \w+ = /gm) ?? []);
  return createHash('sha256')
    .update(JSON.stringify([places.sort(), fields]))
    .digest('hex')
    .slice(0, 16);
}

test('RAD-1 holds: the number of the layout of checkpoints follows every change of a context', () => {
  const image = driven(1).checkpoint(0);
  const number = new DataView(image.buffer, image.byteOffset).getUint32(4, true) >>> 8;
  assert.is(
    fingerprintOfContext(),
    fingerprints[number],
    'raise LAYOUT in firmware/edge/checkpoint.ts, then renew this',
  );
});

test('RAD-1 violated: a checkpoint of the layout before is refused', () => {
  const cluster = driven(1);
  const image = cluster.checkpoint(0).slice();
  const words = new DataView(image.buffer, image.byteOffset);
  words.setUint32(4, words.getUint32(4, true) - 256, true);
  assert.throws(() => cluster.restore(0, 2, image), /refuses its checkpoint/);
});

test.run();
