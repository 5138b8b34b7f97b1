import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { inputBytesMax, readInput } from '../../host/cli/input.ts';
import { type Overrides, parseScenario, ScenarioError, withOverrides } from '../scenario/load.ts';
import type { Scenario } from '../scenario/schema.ts';
import { shippedScenarios } from '../scenario/shipped.ts';
import { type Body, CatalogueError, findBody, parseCatalogue, shippedBody } from '../world/bodies.ts';

/**
 * A scenario by shipped name or by file. A file wins only when it looks like one: a path, or
 * `.yaml` at the end.
 */
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

/**
 * The body that a scenario works, from the shipped table or a user's catalogue. `warn` hears of
 * rows that were left out.
 */
export function loadBody(designation: string, catalogueFile: string | undefined, warn: (line: string) => void): Body {
  try {
    if (catalogueFile === undefined) return shippedBody(designation);
    const { bodies, bad } = parseCatalogue(
      readInput(catalogueFile, inputBytesMax.catalogue),
      catalogueFile,
      catalogueFile,
    );
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
