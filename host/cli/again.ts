import type { Command } from 'commander';

type Value = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Options that do not change what a command computes. */
const withoutEffect = ['json', 'out', 'resume', 'jobs', 'threads'];

/** Quotes a word for a POSIX shell: in single quotes when it needs any. */
export function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function flagsOf(flag: string, value: Value): string[] {
  if (value === undefined || value === null || value === false) return [];
  if (value === true) return [flag];
  if (typeof value === 'object') return value.flatMap((each) => [flag, String(each)]);
  return [flag, String(value)];
}

/** Lists the names of a command from the program down: ['board', 'trace']. */
function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

/**
 * Builds the command line that reproduces a run: the command with its arguments and every given
 * option that matters. `changes` replaces or adds options by their attribute name; null leaves an
 * option out.
 */
export function againLine(command: Command, changes: Readonly<Record<string, Value>> = {}): string {
  const words = [...pathOf(command), ...command.args];
  for (const option of command.options) {
    const name = option.attributeName();
    if (withoutEffect.includes(name)) continue;
    const isGiven = command.getOptionValueSource(name) === 'cli';
    const value = name in changes ? changes[name] : isGiven ? (command.opts()[name] as Value) : undefined;
    words.push(...flagsOf(option.long ?? option.flags, value));
  }
  return ['npx heliograph', ...words.map(quoted)].join(' ');
}
