// The model's ticks of a minute have the constants of the firmware.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { CUT_LAG_S, LEASE_S, LIVENESS_TICK_S, ROUND_S } from '../../host/cbor/generated.ts';

/** The number that a line of a file gives to a name. */
function numberIn(path: string, pattern: string): number {
  const found = new RegExp(pattern).exec(readFileSync(join(rootFolder, path), 'utf8'));
  assert.ok(found, `${path} has no ${pattern}`);
  return Number(found[1]);
}
const limit = (name: string) => numberIn('firmware/memory/limits.ts', `const ${name}: u32 = (\\d+);`);
const modelled = (name: string) => numberIn('test/model/params.h', `#ifdef MINUTE[^]*?#define ${name} (\\d+)`);

test('INT-5 holds: the model in ticks of a minute has the constants of the firmware', () => {
  assert.is(modelled('ROUND_TICKS'), ROUND_S / LIVENESS_TICK_S);
  assert.is(modelled('ROUND_TICKS'), limit('ROUND_TICKS'));
  assert.is(modelled('SILENT'), limit('TICKS_UNTIL_SILENT'));
  assert.is(modelled('LAG'), CUT_LAG_S / LIVENESS_TICK_S);
  assert.is(modelled('START_ROUNDS'), limit('START_ROUNDS'));
  assert.is(modelled('LEASE'), Math.floor(LEASE_S / LIVENESS_TICK_S));
});

test.run();
