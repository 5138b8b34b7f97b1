import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { constantsText } from './signature_constants.ts';

const path = join(rootFolder, 'firmware/signature/constants.ts');

test('the constants of Ed25519 and SHA-512 are what their definitions give', () => {
  const text = constantsText();
  if (process.env.HELIOGRAPH_REWRITE === '1') writeFileSync(path, text);
  assert.ok(readFileSync(path, 'utf8') === text, 'npm test -- security/constants --rewrite writes the file anew');
});

test.run();
