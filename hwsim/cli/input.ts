import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { inputBytesMax, readInput } from '../../host/cli/input.ts';
import { type Overrides, parseScenario, ScenarioError, withOverrides } from '../scenario/load.ts';
import type { Scenario } from '../scenario/schema.ts';
import { shippedScenarios } from '../scenario/shipped.ts';
import { type Body, CatalogueError, findBody, parseCatalogue, shippedBodies, shippedBody } from '../world/bodies.ts';

/** Loads a scenario by shipped name or from a file. A word with a slash or a dot is a file. */
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
  return readScenarioFile(nameOrFile);
}

/** Reads a scenario file; `isShortened` as in `parseScenario`. Throws CommandError (3). */
export function readScenarioFile(path: string, isShortened = false): Scenario {
  return parse(readInput(path, inputBytesMax.scenario), path, isShortened);
}

function parse(text: string, fileName: string, isShortened = false): Scenario {
  try {
    return parseScenario(text, fileName, isShortened);
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

/** Wrong rows that are named; the rest is counted. */
const badRowsShownMax = 5;

/**
 * Loads the body of a scenario, from the shipped table or a user's catalogue. `warn` gets a line
 * for each row that is left out.
 */
export function loadBody(designation: string, catalogueFile: string | undefined, warn: (line: string) => void): Body {
  return translated(() =>
    catalogueFile === undefined ? shippedBody(designation) : findBody(readCatalogue(catalogueFile, warn), designation),
  );
}

/** Loads all bodies of the shipped table, or of a user's catalogue; `warn` as in `loadBody`. */
export function loadBodies(catalogueFile: string | undefined, warn: (line: string) => void): Body[] {
  return translated(() => (catalogueFile === undefined ? shippedBodies() : readCatalogue(catalogueFile, warn)));
}

function readCatalogue(file: string, warn: (line: string) => void): Body[] {
  const { bodies, bad, badCount } = parseCatalogue(readInput(file, inputBytesMax.catalogue), file, file);
  for (const { line, field, message } of bad.slice(0, badRowsShownMax)) warn(`${file}:${line} ${field}: ${message}`);
  if (badCount > 0) warn(`${file}: ${bodies.length} bodies read, ${badCount} faults; those rows are left out`);
  return bodies;
}

/** Turns a fault of a catalogue into a CommandError (3). */
function translated<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof CatalogueError) throw new CommandError(error.message, exitCode.input);
    throw error;
  }
}
