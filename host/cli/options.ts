import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { defaultEngine, engineNames } from '../engine/names.ts';
import { CommandError, exitCode } from './exit.ts';
import { CLUSTER_MEMBERS_MAX } from '../cbor/generated.ts';
import { runDays } from './run_days.ts';

/**
 * Options that several commands have. Each option is defined once here, so that it means the same
 * everywhere.
 */

/** Parses a whole number in from…to. Throws CommandError (2) that names the option. */
export function wholeNumber(option: string, from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < from || value > to) {
      throw new CommandError(`${option} is '${text}', not a whole number from ${from} to ${to}`, exitCode.usage);
    }
    return value;
  };
}

/** Parses a number in from…to. Throws CommandError (2) that names the option. */
function numberWithin(option: string, from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= from && value <= to))
      throw new CommandError(`${option} is '${text}', not a number from ${from} to ${to}`, exitCode.usage);
    return value;
  };
}

/** Parses a number in (0…to]. Throws CommandError (2) that names the option. */
function positiveNumber(option: string, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value > 0 && value <= to)) {
      throw new CommandError(`${option} is '${text}', not a number above 0 and up to ${to}`, exitCode.usage);
    }
    return value;
  };
}

/** Declares `--NAME <n>`: a whole number in from…to. */
export function wholeOption(flags: string, description: string, from: number, to: number): Option {
  return new Option(flags, description).argParser(wholeNumber(flags.split(' ')[0], from, to));
}

/** Declares `--NAME <x>`: a number in (0…to]. */
export function positiveOption(flags: string, description: string, to: number): Option {
  return new Option(flags, description).argParser(positiveNumber(flags.split(' ')[0], to));
}

/** Declares `--NAME <p>`: a share in 0…0.9. */
export function shareOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(numberWithin(flags.split(' ')[0], 0, 0.9));
}

export const uint32Max = 0xffffffff;

export const seedOption = () => wholeOption('--seed <n>', 'random seed', 0, uint32Max);

export const jsonOption = (what = 'print the result as one JSON object') => new Option('--json', what);

export const jsonLinesOption = () => new Option('--json', 'print one JSON object per line');

/**
 * Declares `--out` of a report: the result is written there as well. Only a report replaces a file.
 */
export const outReportOption = (what = 'write the JSON result to this file as well') =>
  new Option('--out <file>', what);

export const outFolderOption = () => new Option('--out <folder>', 'record the run in this folder, new or empty');

/** Declares `--out` of a campaign: a new file, or one that `--resume` continues. */
export const outLinesOption = (what: string) =>
  new Option('--out <file>', `write one JSON line per ${what} to this new file`);

export const resumeOption = () => new Option('--resume', 'continue what --out began; the result is the same');

export const jobsOption = (what = 'runs at a time') =>
  wholeOption('--jobs <n>', what, 1, 256).default(availableParallelism(), 'one per processor');

export const engineOption = () =>
  new Option('--engine <name>', 'WebAssembly engine that runs the image')
    .choices([...engineNames])
    .default(defaultEngine);

export const presetOption = () =>
  new Option('--preset <name>', 'size of the firmware image').choices(['flight', 'compact', 'tiny']);

export const nodesOption = (from = 1) => wholeOption('--nodes <n>', 'size of the cluster', from, CLUSTER_MEMBERS_MAX);

export const daysOption = (what = 'length of the run, days', to: number = runDays.max) =>
  new Option('--days <d>', what).argParser(numberWithin('--days', runDays.min, to));

/** Formats examples below a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  npx heliograph ${line}`).join('\n')}`;
}
