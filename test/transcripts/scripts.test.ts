import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { same } from './same.ts';
import { Script } from './script.ts';

const folder = join(rootFolder, 'test', 'transcripts', 'scripts');

for (const file of readdirSync(folder).sort()) {
  const name = file.replace(/\.txt$/, '');
  test(`the script '${name}' prints the events and answers that it expects`, () => {
    const text = new Script().replay(readFileSync(join(folder, file), 'utf8'));
    same(`scripts/${name}`, text);
    assert.not.match(text, /^DOUBLE /m, 'INT-5: no unit runs twice');
  });
}

test('a script that begins without a cluster is rejected', () => {
  assert.throws(() => new Script().replay('show 0'), /a script begins with/);
});

test.run();
