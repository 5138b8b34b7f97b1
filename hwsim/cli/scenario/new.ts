import { basename } from 'node:path';
import { existsSync } from 'node:fs';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { createFile } from '../../../host/store/create_file.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import { parseScenario } from '../../scenario/load.ts';
import { shippedScenarios } from '../../scenario/shipped.ts';
import { fieldComments, optionalSections } from './comments.ts';

export interface NewScenarioOptions {
  from: string;
  json?: boolean;
}

const fileMode = 0o644;
const nameCharactersMax = 40;

/** Makes a scenario's name of the name of its file: lower case, digits and dashes. */
function nameFor(file: string): string {
  const stem = basename(file)
    .replace(/\.ya?ml$/i, '')
    .toLowerCase();
  return stem.replace(/[^a-z0-9-]+/g, '-').slice(0, nameCharactersMax) || 'scenario';
}

function comment(map: YAMLMap, prefix = ''): void {
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue;
    const path = `${prefix}${key.value}`;
    const text = fieldComments[path];
    if (text !== undefined) key.commentBefore = indented(text);
    if (isMap(value) && !value.flow) comment(value, `${path}.`);
  }
}

const indented = (text: string) => text.replace(/^/gm, ' ');

/**
 * Makes the text of a new scenario: a shipped one with another name, a comment above each field,
 * and unused sections as comments.
 */
export function newScenarioText(from: string, name: string): string {
  const document = parseDocument(shippedScenarios[from]);
  const map = document.contents as YAMLMap;
  document.commentBefore = [
    ` A scenario of Heliograph, made from ${from}. Every field is explained in docs/scenarios.md.`,
    ` Check it with: npx heliograph scenario check ${name}.yaml`,
  ].join('\n');
  document.setIn(['name'], name);
  comment(map);
  const unused = Object.entries(optionalSections).filter(([key]) => !map.has(key));
  const sections = unused.map(([key, text]) => `${indented(fieldComments[key])}\n ${text}`);
  document.comment = [' Optional; the values are the defaults or examples:', ...sections].join('\n');
  return `${document.toString({ lineWidth: 100 }).trimEnd()}\n`;
}

/**
 * Runs `scenario new`: writes a commented scenario file. Exit 2 when the file exists or no scenario
 * of the name ships.
 */
export function newScenario(given: string | undefined, { from, json }: NewScenarioOptions): void {
  if (!Object.hasOwn(shippedScenarios, from)) {
    const names = Object.keys(shippedScenarios).join(', ');
    throw new CommandError(`--from '${from}' is no shipped scenario: ${names}`, exitCode.usage);
  }
  const file = given ?? `my-${from}.yaml`;
  const refusal = () => new CommandError(`${file} exists already: name another file`, exitCode.usage);
  if (existsSync(file)) throw refusal();
  const text = newScenarioText(from, nameFor(file));
  parseScenario(text, file);
  try {
    createFile(file, Buffer.from(text), fileMode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw refusal();
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`${file}: cannot be written: ${advice}`, exitCode.environment);
  }
  const path = /[/\\]/.test(file) ? file : `./${file}`;
  if (json) print(JSON.stringify({ file, from }));
  else print(`${file}: written, from ${from}\nNext: npx heliograph sim ${path}`);
}
