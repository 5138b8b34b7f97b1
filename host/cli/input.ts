import { readFileSync } from 'node:fs';
import type { Scenario } from '../../hwsim/scenario/schema.ts';
import { type Overrides, parseScenario, ScenarioError, withOverrides } from '../../hwsim/scenario/load.ts';
import { shippedScenarios } from '../../hwsim/scenario/shipped.ts';
import { type Body, CatalogueError, findBody, parseCatalogue, shippedBodies } from '../../hwsim/world/bodies.ts';
import { fileAdvice } from '../store/store.ts';
import { CommandError, exitCode } from './exit.ts';

/** The text of an input file; CommandError (3) names it when it cannot be read. */
export function readInput(path: string): string {
  return readInputBytes(path).toString('utf8');
}

export function readInputBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`${path}: cannot be read: ${advice}`, exitCode.input);
  }
}

/** A scenario by shipped name or by file. A file wins only when it looks like one: a path, or `.yaml` at the end. */
export function loadScenario(nameOrFile: string): Scenario {
  const shipped = Object.hasOwn(shippedScenarios, nameOrFile) ? shippedScenarios[nameOrFile] : undefined;
  if (shipped !== undefined) return parse(shipped, `${nameOrFile}.yaml`);
  if (!/[/\\.]/.test(nameOrFile)) {
    const names = Object.keys(shippedScenarios).join(', ');
    throw new CommandError(
      `no scenario '${nameOrFile}'; shipped: ${names}; or give a file, as in ./my.yaml`,
      exitCode.input,
    );
  }
  return parse(readInput(nameOrFile), nameOrFile);
}

function parse(text: string, fileName: string): Scenario {
  try {
    return parseScenario(text, fileName);
  } catch (error) {
    if (error instanceof ScenarioError) throw new CommandError(error.message, exitCode.input);
    throw error;
  }
}

export function applyOverrides(scenario: Scenario, overrides: Overrides): Scenario {
  try {
    return withOverrides(scenario, overrides);
  } catch (error) {
    if (error instanceof ScenarioError) throw new CommandError(error.message, exitCode.usage);
    throw error;
  }
}

/** Rows named one by one before the rest are only counted. */
const badRowsShownMax = 5;

/** The body that a scenario works, from the shipped table or a user's catalogue. `warn` hears of rows that were left out. */
export function loadBody(designation: string, catalogueFile: string | undefined, warn: (line: string) => void): Body {
  try {
    if (catalogueFile === undefined) return findBody(shippedBodies(), designation);
    const { bodies, bad } = parseCatalogue(readInput(catalogueFile), catalogueFile, catalogueFile);
    for (const { line, field, message } of bad.slice(0, badRowsShownMax))
      warn(`${catalogueFile}:${line} ${field}: ${message}`);
    if (bad.length > 0)
      warn(`${catalogueFile}: ${bodies.length} bodies read, ${bad.length} faults; those rows are left out`);
    return findBody(bodies, designation);
  } catch (error) {
    if (error instanceof CatalogueError) throw new CommandError(error.message, exitCode.input);
    throw error;
  }
}

/** An option's whole number in from…to; CommandError (2) names the option otherwise. */
export function wholeNumber(option: string, from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < from || value > to) {
      throw new CommandError(`${option} is '${text}', not a whole number from ${from} to ${to}`, exitCode.usage);
    }
    return value;
  };
}

/** An option's number in (above…to]. */
export function positiveNumber(option: string, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value > 0 && value <= to)) {
      throw new CommandError(`${option} is '${text}', not a number above 0 and up to ${to}`, exitCode.usage);
    }
    return value;
  };
}
