/**
 * Searches for the slowest inputs (BRD-1): hill climbing over the genomes of genome.ts, counted on
 * a board's own code in the emulator. One evaluation serves all operations on the same tables; each
 * operation has its own best genome, and they are improved in turn. The result is a function of
 * seed and number of evaluations.
 */
import type { Target, TargetName } from '../../../host/board/targets.ts';
import { firmwareConstants } from '../../emulator/memory_map.ts';
import { RandomStream } from '../../kernel/random.ts';
import { attack, type Attacked, attacked } from './adversary.ts';
import type { Cluster } from './attack_tables.ts';
import { type Genome, geneCount, suspected } from './genome.ts';
import { type Runner, runScript } from './runner.ts';
import { Script } from './script.ts';

export interface WorstInput {
  op: Attacked;
  instructions: number;
  genome: Genome;
}

/** A worst input, and its instructions on one target. */
export interface TargetWorst extends WorstInput {
  target: TargetName;
}

function distinct(genomes: readonly Genome[]): Genome[] {
  return [...new Set(genomes.map((genome) => JSON.stringify(genome)))].map((text) => JSON.parse(text));
}

/** Limit of a call, above whatever a search may find. */
export const searchInstructionsMax = 20_000_000_000;
/** Share of evaluations that draw a new genome instead of changing the best one. */
const freshShare = 0.15;
/** A find is reported when it is so many times as slow as the one before. */
const reportedGrowth = 1.05;

export function clusterOf(target: Target): Cluster {
  const constants = firmwareConstants(target.preset);
  const number = (name: string) => constants.get(name)!;
  return {
    members: number('MEMBERS_MAX'),
    intentsMax: number('INTENTS_MAX'),
    noticesMax: number('NOTICES_MAX'),
    checkpointBytes: number('CONTEXT_BYTES') + 16,
  };
}

/**
 * Counts the instructions of each operation under one genome. Throws when the image traps: the
 * search then has found a fault.
 */
function evaluate(runner: Runner, genome: Genome): Map<Attacked, number> {
  const script = new Script(runner.target.bigEndian);
  const { ops, from } = attack(script, genome, clusterOf(runner.target));
  const { result, counts } = runScript(runner, script, undefined, searchInstructionsMax);
  if (result.trap !== 0)
    throw new Error(
      `${runner.target.name} traps (reason ${result.trap}, site ${result.trapSite}) ` +
        `under the genome ${JSON.stringify(genome)}`,
    );
  const found = new Map<Attacked, number>();
  ops.forEach((op, index) => {
    found.set(op, Math.max(found.get(op) ?? 0, counts[from + index]?.instructions ?? 0));
  });
  // The slowest frame may be one of those that fill the tables.
  counts.slice(0, from).forEach(({ op, instructions }) => {
    if (op === 'receive') found.set('receive', Math.max(found.get('receive') ?? 0, instructions));
  });
  return found;
}

const fresh = (random: RandomStream): number[] => Array.from({ length: geneCount }, () => rounded(random.fraction()));
/** Genomes are kept in a file: three digits are fine enough. */
const rounded = (value: number): number => Math.min(0.999, Math.round(value * 1000) / 1000);

/** Changes one to four genes: by a little, wholly, or to an end of their range. */
function mutated(genome: Genome, random: RandomStream): number[] {
  const changed = [...genome];
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const at = random.below(geneCount);
    const how = random.below(4);
    if (how === 0) changed[at] = rounded(random.fraction());
    else if (how === 1) changed[at] = random.below(2) === 0 ? 0 : 0.999;
    else changed[at] = rounded(Math.min(0.999, Math.max(0, changed[at] + random.between(-0.1, 0.1))));
  }
  return changed;
}

export interface SearchOptions {
  evaluations: number;
  seed: number;
  /** Receives a line for each find that is clearly slower. */
  report: (line: string) => void;
}

/** Searches. `known`: where earlier searches ended; the result is never faster than these. */
export function searchWorst(runner: Runner, known: readonly WorstInput[], options: SearchOptions): WorstInput[] {
  const { evaluations, seed, report } = options;
  const random = new RandomStream(seed, 'worst');
  const best = new Map<Attacked, WorstInput>();
  const evaluateOne = (genome: Genome) => {
    for (const [op, instructions] of evaluate(runner, genome)) {
      const before = best.get(op);
      if (before !== undefined && before.instructions >= instructions) continue;
      if (before !== undefined && instructions > before.instructions * reportedGrowth) report(`${op}: ${instructions}`);
      best.set(op, { op, instructions, genome });
    }
  };
  for (const genome of distinct([...known.map((input) => input.genome), ...suspected])) evaluateOne(genome);
  for (let count = 0; count < evaluations; count += 1) {
    const input = best.get(attacked[count % attacked.length]);
    const isFresh = input === undefined || random.fraction() < freshShare;
    evaluateOne(isFresh ? fresh(random) : mutated(input.genome, random));
  }
  return attacked.map((op) => best.get(op)).filter((found) => found !== undefined);
}

/** Counts the inputs that were found on one target on another of the same preset. */
export function worstOn(runner: Runner, found: readonly WorstInput[]): TargetWorst[] {
  const best = new Map<Attacked, TargetWorst>();
  for (const genome of distinct(found.map((input) => input.genome)))
    for (const [op, instructions] of evaluate(runner, genome))
      if (instructions > (best.get(op)?.instructions ?? 0))
        best.set(op, { target: runner.target.name, op, instructions, genome });
  return attacked.map((op) => best.get(op)).filter((worst) => worst !== undefined);
}
