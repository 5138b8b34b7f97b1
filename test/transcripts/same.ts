import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';

/** Compares with test/transcripts/`name`.txt, or writes it when asked to rewrite. */
export function same(name: string, text: string): void {
  const path = join(rootFolder, 'test', 'transcripts', `${name}.txt`);
  if (process.env.HELIOGRAPH_REWRITE === '1') writeFileSync(path, text);
  assert.ok(existsSync(path), `${path} is missing: npm test -- transcripts --rewrite`);
  assert.is(text, readFileSync(path, 'utf8'), 'if this change is meant: npm test -- transcripts --rewrite');
}
