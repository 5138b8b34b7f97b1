/** Reads which mutants change nothing that a rule forbids, each with the reason. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { rootFolder } from '../../host/build/root.ts';

const equivalentsPath = 'test/mutants/equivalent.yaml';

const schema = z.record(z.string(), z.string().min(20));

/** Id of a mutant → why it is equivalent. Throws when an entry has no reason. */
export function readEquivalents(): ReadonlyMap<string, string> {
  const text = readFileSync(join(rootFolder, equivalentsPath), 'utf8');
  return new Map(Object.entries(schema.parse(parse(text) ?? {})));
}
