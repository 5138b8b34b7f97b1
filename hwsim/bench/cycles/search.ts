/**
 * Search for the slowest inputs (BRD-1): hill climbing over the genomes of cycles_adversary.ts, counted on a board's own code in the emulator. One table serves all operations of
 * an evaluation; each operation has its own best genome, and they are bettered in turn. A function of seed and number of evaluations.
 */
import type { Target, TargetName } from '../../../host/board/targets.ts';
import { RandomStream } from '../../kernel/random.ts';
import { attack, attacked, type Attacked, type Cluster, geneCount, type Genome, suspected } from './adversary.ts';
import { firmwareConstants } from '../../emulator/memory_map.ts';
import { type Runner, runScript } from './runner.ts';
import { Script } from './script.ts';

export interface WorstInput {
  op: Attacked;
  instructions: number;
  genome: Genome;
}

/** A worst input, and what it takes on the target where it is worst. */
export interface TargetWorst extends WorstInput {
  target: TargetName;
}

function distinct(genomes: readonly Genome[]): Genome[] {
  return [...new Set(genomes.map((genome) => JSON.stringify(genome)))].map((text) => JSON.parse(text));
}

/** Room for what a search may find. */
export const searchInstructionsMax = 20_000_000_000;
/** Share of evaluations that start anew instead of bettering what is held. */
const freshShare = 0.15;

export function clusterOf(target: Target): Cluster {
  const of = firmwareConstants(target.preset);
  const number = (name: string) => of.get(name)!;
  return {
    members: number('MEMBERS_MAX'),
    intentsMax: number('INTENTS_MAX'),
    noticesMax: number('NOTICES_MAX'),
    checkpointBytes: number('CONTEXT_BYTES') + 16,
  };
}

/** Instructions of each operation under one genome. Throws when the image traps: that is a fault that the search has found. */
export function evaluate(runner: Runner, genome: Genome): Map<Attacked, number> {
  const script = new Script(runner.target.bigEndian);
  const { ops, from } = attack(script, genome, clusterOf(runner.target));
  const { result, counts } = runScript(runner, script, undefined, searchInstructionsMax);
  if (result.trap !== 0)
    throw new Error(
      `${runner.target.name} traps (reason ${result.trap}, site ${result.trapSite}) under the genome ${JSON.stringify(genome)}`,
    );
  const found = new Map<Attacked, number>();
  ops.forEach((op, index) => {
    found.set(op, Math.max(found.get(op) ?? 0, counts[from + index]?.instructions ?? 0));
  });
  // What it took to fill the table counts as well: the slowest frame may be among those.
  counts.slice(0, from).forEach(({ op, instructions }) => {
    if (op === 'receive') found.set('receive', Math.max(found.get('receive') ?? 0, instructions));
  });
  return found;
}

const fresh = (random: RandomStream): number[] => Array.from({ length: geneCount }, () => digits(random.fraction()));
/** Genomes are kept in a file: three digits are fine enough. */
const digits = (value: number): number => Math.min(0.999, Math.round(value * 1000) / 1000);

/** One to four genes change: by a little, wholly, or to an end of their range. */
function mutated(genome: Genome, random: RandomStream): number[] {
  const changed = [...genome];
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const at = random.below(geneCount);
    const how = random.below(4);
    if (how === 0) changed[at] = digits(random.fraction());
    else if (how === 1) changed[at] = random.below(2) === 0 ? 0 : 0.999;
    else changed[at] = digits(Math.min(0.999, Math.max(0, changed[at] + random.between(-0.1, 0.1))));
  }
  return changed;
}

/** Searches. `known`: where earlier searches ended; nothing found gets lost. */
export function searchWorst(
  runner: Runner,
  known: readonly WorstInput[],
  evaluations: number,
  seed: number,
  tell: (line: string) => void,
): WorstInput[] {
  const random = new RandomStream(seed, 'worst');
  const best = new Map<Attacked, WorstInput>();
  const take = (genome: Genome) => {
    for (const [op, instructions] of evaluate(runner, genome)) {
      const held = best.get(op);
      if (held !== undefined && held.instructions >= instructions) continue;
      if (held !== undefined && instructions > held.instructions * 1.05) tell(`${op}: ${instructions}`);
      best.set(op, { op, instructions, genome });
    }
  };
  for (const genome of distinct([...known.map((input) => input.genome), ...suspected])) take(genome);
  for (let count = 0; count < evaluations; count += 1) {
    const held = best.get(attacked[count % attacked.length]);
    take(held === undefined || random.fraction() < freshShare ? fresh(random) : mutated(held.genome, random));
  }
  return attacked.map((op) => best.get(op)).filter((found) => found !== undefined);
}

/** What inputs that were found on one target take on another of the same preset. */
export function worstOn(runner: Runner, found: readonly WorstInput[]): TargetWorst[] {
  const best = new Map<Attacked, TargetWorst>();
  for (const genome of distinct(found.map((input) => input.genome)))
    for (const [op, instructions] of evaluate(runner, genome))
      if (instructions > (best.get(op)?.instructions ?? 0))
        best.set(op, { target: runner.target.name, op, instructions, genome });
  return attacked.map((op) => best.get(op)).filter((worst) => worst !== undefined);
}
