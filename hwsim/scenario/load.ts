import { targets } from '../../host/board/targets.ts';
import { solarEvents } from './solar_events.ts';
import { distance } from 'fastest-levenshtein';
import { isMap, isNode, isScalar, type LineCounter, stringify, type Document } from 'yaml';
import type { z } from 'zod';
import type { Finding, Path } from './finding.ts';
import { impossibleDisruptions } from './impossible.ts';
import { type Scenario, scenarioSchema } from './schema.ts';
import { shippedScenarios } from './shipped.ts';
import { PRESET_MEMBERS } from '../../host/cbor/generated.ts';
import { inputBytesMax } from '../../host/cli/input.ts';
import { readYaml, shortened, YamlFault, type YamlText } from '../../host/cli/yaml.ts';
import { figureRelations } from './figures.ts';

/**
 * One problem in a scenario file. Lines and columns count from 1; 0 = the value came from the
 * command line.
 */
export interface ScenarioProblem {
  line: number;
  column: number;
  /** Path of the field, as in `disruptions[2].when`. */
  field: string;
  /** What is wrong, and in brackets the next step. */
  message: string;
}

/**
 * Reports that a scenario cannot be flown. `message` has one line for each problem:
 * `file:line:column field: message`.
 */
export class ScenarioError extends Error {
  readonly problems: ScenarioProblem[];

  constructor(fileName: string, problems: ScenarioProblem[]) {
    const place = (problem: ScenarioProblem) =>
      problem.line > 0 ? `${fileName}:${problem.line}:${problem.column}` : fileName;
    super(problems.map((problem) => `${place(problem)} ${problem.field}: ${problem.message}`).join('\n'));
    this.problems = problems;
  }
}

/** Problems of one file that are named; the rest mostly follows from them. */
const problemsMax = 20;

/** Writes ['disruptions', 2, 'when'] as `disruptions[2].when`. */
function fieldName(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'scenario';
}

function nearest(word: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, score: distance(name, word) }))
    .sort((left, right) => left.score - right.score)
    .slice(0, 1);
  const hint = near.length > 0 && near[0].score <= 3 ? `did you mean ${near[0].name}? ` : '';
  return `${hint}known here: ${known.join(', ')}`;
}

/** Returns the keys that the schema has at a path; [] where the schema has no object. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let here: unknown = schema;
  for (const part of [...path, null]) {
    let def = (here as { def?: Record<string, unknown> }).def ?? {};
    while (def.innerType !== undefined) def = (def.innerType as { def: Record<string, unknown> }).def;
    if (part === null) return keysOf(def);
    if (typeof part === 'number') here = def.element;
    else here = (def.shape as Record<string, unknown> | undefined)?.[String(part)];
    if (here === undefined) return [];
  }
  return [];
}

/** Returns an object schema's keys; for a union of objects, the keys of all. */
function keysOf(def: Record<string, unknown>): string[] {
  if (def.shape !== undefined) return Object.keys(def.shape as object);
  const options = (def.options as { def: Record<string, unknown> }[] | undefined) ?? [];
  return [...new Set(options.flatMap((option) => keysOf(option.def)))];
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const part of path) here = (here as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return here;
}

/** Writes a value of the file for a message. JSON has no infinite numbers. */
function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : shortened(JSON.stringify(value));
}

/** Removes the first word from zod's message. */
function withoutFirstWord(message: string): string {
  return message.replace(/^[A-Z][a-z ]+: /, '');
}

/** Rewrites a zod issue in our words, with the next step. */
function findingsOf(issue: z.core.$ZodIssue, raw: unknown): Finding[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(scenarioSchema, issue.path);
    const message = (key: string) => `is not known (${nearest(shortened(key), known)})`;
    return issue.keys.slice(0, problemsMax).map((key) => ({ path: issue.path, key, message: message(key) }));
  }
  const value = valueAt(raw, issue.path);
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'when') {
    return [
      {
        path: issue.path,
        message: 'says when as {atDay: D} or {fromDay: D, toDay: D}, days from 0 (write one of them)',
      },
    ];
  }
  if (issue.code === 'invalid_union') {
    const kinds = scenarioSchema.shape.disruptions.def.innerType.element.options.map(
      (option) => option.shape.kind.value,
    );
    return [{ path: issue.path, message: `is no kind of disruption (${nearest(shortened(String(value)), kinds)})` }];
  }
  if (value === undefined)
    return [
      {
        path: issue.path,
        message: `is missing (add it; ${withoutFirstWord(issue.message).replace(/, received .*/, '')})`,
      },
    ];
  return [
    {
      path: issue.path,
      message: `is ${shown(value)}: ${withoutFirstWord(issue.message)} (see docs/scenarios.md)`,
    },
  ];
}

/** Checks the relations between fields, which a schema cannot express. */
function relations(scenario: Scenario): Finding[] {
  const findings: Finding[] = [];
  const share = scenario.generations.reduce((sum, { share }) => sum + share, 0);
  if (Math.abs(share - 1) > 1e-9) {
    findings.push({ path: ['generations'], message: `the shares sum to ${share} (make them sum to 1)` });
  }
  const numbers = scenario.generations.map(({ generation }) => generation);
  if (new Set(numbers).size !== numbers.length) {
    findings.push({
      path: ['generations'],
      message: `a generation comes twice: ${numbers.join(', ')} (name each once)`,
    });
  }
  const most = PRESET_MEMBERS[scenario.preset];
  if (scenario.nodes > most) {
    const next = scenario.preset === 'flight' ? `at most ${most}` : `at most ${most}, or take preset flight`;
    findings.push({ path: ['nodes'], message: `${scenario.nodes} do not fit the ${scenario.preset} image (${next})` });
  }
  findings.push(...boardRelations(scenario), ...upsetRelations(scenario));
  findings.push(...impossibleDisruptions(scenario), ...figureRelations(scenario));
  scenario.disruptions.forEach((disruption, index) => {
    if (!('node' in disruption) || disruption.node === undefined) return;
    if (disruption.node >= scenario.nodes)
      findings.push({ path: ['disruptions', index, 'node'], message: noSuchNode(disruption.node, scenario) });
    if (disruption.count > 1)
      findings.push({
        path: ['disruptions', index, 'count'],
        message: 'is more than one, but one node is named (leave out either)',
      });
  });
  scenario.disruptions.forEach((disruption, index) => {
    if (disruption.kind !== 'storm' || solarEvents.some(({ begin }) => begin === disruption.event)) return;
    const begins = solarEvents.map(({ begin }) => begin);
    const event = shortened(disruption.event);
    const message = `is ${event}: no known solar event begins then (${nearest(event, begins)})`;
    findings.push({ path: ['disruptions', index, 'event'], message });
  });
  scenario.disruptions.forEach(({ when }, index) => {
    if (!('fromDay' in when)) return;
    const path = ['disruptions', index, 'when'];
    if (when.fromDay > when.toDay) findings.push({ path, message: 'ends before it begins (swap fromDay and toDay)' });
  });
  return findings;
}

function noSuchNode(node: number, { nodes }: Scenario): string {
  return `is ${node}: nodes are 0 to ${nodes - 1} (name one of them, or raise nodes)`;
}

function boardRelations(scenario: Scenario): Finding[] {
  return scenario.boards.flatMap(({ node, target }, index) => {
    const path = ['boards', index];
    const findings: Finding[] = [];
    if (node >= scenario.nodes) findings.push({ path: [...path, 'node'], message: noSuchNode(node, scenario) });
    if (scenario.boards.findIndex((board) => board.node === node) < index)
      findings.push({ path: [...path, 'node'], message: `is ${node}, which is a board already (name each node once)` });
    const { preset } = targets[target];
    if (scenario.nodes > PRESET_MEMBERS[preset]) {
      const most = PRESET_MEMBERS[preset];
      const message =
        `is ${target}, whose ${preset} image has room for ${most} members, not ${scenario.nodes} ` +
        '(fewer nodes, or another target)';
      findings.push({ path: [...path, 'target'], message });
    }
    return findings;
  });
}

function upsetRelations({ upsets, boards }: Scenario): Finding[] {
  if (upsets === undefined) return [];
  const findings: Finding[] = [];
  const share = upsets.doubleShare + upsets.burstShare;
  if (share > 1) {
    const message = `doubleShare and burstShare sum to ${share} (as shares of all upsets, at most 1 in sum)`;
    findings.push({ path: ['upsets'], message });
  }
  if (boards.length > 0) {
    const message =
      'cannot be injected into boards (leave out boards or upsets; `board inject` injects into a single board)';
    findings.push({ path: ['upsets'], message });
  }
  return findings;
}

/**
 * Reports disruptions after the end of the file's own run, which are mistakes. A run shortened by
 * --days only omits them.
 */
function beyondTheEnd(scenario: Scenario): Finding[] {
  return scenario.disruptions.flatMap(({ when }, index) => {
    const last = 'atDay' in when ? when.atDay : when.toDay;
    if (last <= scenario.days) return [];
    const message = `day ${last} is after the run's last, ${scenario.days} (move it, or raise days)`;
    return [{ path: ['disruptions', index, 'when'], message }];
  });
}

/** Finds the position of a finding in the file: its own node, or the nearest parent that exists. */
function locate(document: Document, counter: LineCounter, { path, key, message }: Finding): ScenarioProblem {
  const field = fieldName(key === undefined ? path : [...path, key]);
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (!isNode(node) || !node.range) continue;
    let offset = node.range[0];
    if (depth === path.length && key !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) offset = pair.key.range[0];
    }
    const { line, col } = counter.linePos(offset);
    return { line, column: col, field, message };
  }
  return { line: 1, column: 1, field, message };
}

/**
 * Reads a scenario from YAML. Throws ScenarioError, which names every problem with line, column,
 * field and next step. An unknown field is an error, or a misspelt disruption would silently not
 * happen. `isShortened`: `--days` has shortened the run, and disruptions after the end are no
 * error.
 */
export function parseScenario(text: string, fileName: string, isShortened = false): Scenario {
  const { document, counter, value: raw } = readText(text, fileName);
  const result = scenarioSchema.safeParse(raw);
  const findings = result.success
    ? [...relations(result.data), ...(isShortened ? [] : beyondTheEnd(result.data))]
    : result.error.issues.flatMap((issue) => findingsOf(issue, raw));
  if (findings.length > 0 || !result.success) {
    throw new ScenarioError(
      fileName,
      findings.slice(0, problemsMax).map((finding) => locate(document, counter, finding)),
    );
  }
  return result.data;
}

/**
 * Checks a scenario that was made and not read, by the rules of `scenario check`. Throws
 * ScenarioError, which names the fields.
 */
export function scenarioOf(value: object, name: string): Scenario {
  const result = scenarioSchema.safeParse(value);
  const findings = result.success
    ? [...relations(result.data), ...beyondTheEnd(result.data)]
    : result.error.issues.flatMap((issue) => findingsOf(issue, value));
  if (findings.length === 0 && result.success) return result.data;
  const problems = findings.map(({ path, message }) => ({ line: 0, column: 0, field: fieldName(path), message }));
  throw new ScenarioError(name, problems);
}

function readText(text: string, fileName: string): YamlText {
  if (Buffer.byteLength(text) > inputBytesMax.scenario) {
    const message = `has more than the ${inputBytesMax.scenario} bytes that a scenario may have (shorten it)`;
    throw new ScenarioError(fileName, [{ line: 1, column: 1, field: 'scenario', message }]);
  }
  try {
    return readYaml(text);
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    const { line, column, message } = error;
    throw new ScenarioError(fileName, [{ line, column, field: 'YAML', message }]);
  }
}

/** A shipped scenario by name. Throws when no scenario of that name ships. */
export function shippedScenario(name: string): Scenario {
  if (!Object.hasOwn(shippedScenarios, name)) throw new Error(`no scenario '${name}' ships with the project`);
  return parseScenario(shippedScenarios[name], `${name}.yaml`);
}

/** Values of the command line that replace values of a scenario. */
export interface Overrides {
  seed?: number;
  days?: number;
  nodes?: number;
  preset?: Scenario['preset'];
  body?: string;
  /** Replaces `upsets.scale`. */
  upsetScale?: number;
}

/**
 * Returns the scenario with some fields replaced. Throws ScenarioError, which names the option,
 * when the result cannot be flown.
 */
export function withOverrides(scenario: Scenario, overrides: Overrides): Scenario {
  const { upsetScale, ...plain } = overrides;
  const given: Record<string, unknown> = Object.fromEntries(
    Object.entries(plain).filter(([, value]) => value !== undefined),
  );
  if (upsetScale !== undefined) {
    if (scenario.upsets === undefined) {
      const message = `${scenario.name} has no upsets to multiply (give it an \`upsets\` section; storm-s5 has one)`;
      throw new ScenarioError('command line', [{ line: 0, column: 0, field: '--upset-scale', message }]);
    }
    given.upsets = { ...scenario.upsets, scale: upsetScale };
  }
  const result = scenarioSchema.safeParse({ ...scenario, ...given });
  const findings = result.success
    ? relations(result.data)
    : result.error.issues.flatMap((issue) => findingsOf(issue, given));
  if (findings.length > 0 || !result.success) {
    const problems = findings.slice(0, problemsMax).map(({ path, message }) => ({
      line: 0,
      column: 0,
      field: `--${fieldName(path)}`,
      message,
    }));
    throw new ScenarioError('command line', problems);
  }
  return result.data;
}

/**
 * Writes the scenario as YAML with all defaults: the format that `--out` records and `replay`
 * reads.
 */
export function scenarioText(scenario: Scenario): string {
  return stringify(scenario, { lineWidth: 120 });
}
