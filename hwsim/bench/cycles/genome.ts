/**
 * Encodes inputs that try to make the image slow. A genome of numbers in [0, 1) decides on the
 * table that a node stores, on when it is called next, and on the frame and the record that it gets
 * then. The inputs are bound by what a receiver accepts, not by what honest members do.
 */

export type Genome = readonly number[];

/** Genes in their order: the genomes of docs/results/cycles.json are lists in this order. */
const genes = [
  ...['seed', 'groups', 'units', 'capacity', 'rate', 'zeroRates', 'intents', 'pattern', 'patternShare', 'spanS'],
  ...['spreadS', 'sharedUnit', 'silent', 'notices', 'priorities', 'leases', 'ownWork', 'unused1', 'laterS'],
  ...[
    'boundary',
    'frameTypes',
    'frameSeed',
    'recordType',
    'recordSeed',
    'outbox',
    'heardAgain',
    'ownerRate',
    'unused2',
  ],
] as const;
export type Gene = (typeof genes)[number];
export const geneCount = genes.length;

export const gene = (genome: Genome, name: Gene): number => genome[genes.indexOf(name)];

/** Scales a gene to a whole number in [from, to]. */
export const scaled = (genome: Genome, name: Gene, from: number, to: number) =>
  Math.floor(from + gene(genome, name) * (to + 1 - from));

/** Scales a gene to 10 … 10^6, evenly by magnitude. */
export const magnitude = (genome: Genome, name: Gene) => Math.floor(10 ** (1 + 5 * gene(genome, name)));

/** A genome by names; genes that are not named have the middle value. */
function genomeOf(values: Partial<Record<Gene, number>>): Genome {
  return genes.map((name) => values[name] ?? 0.5);
}

const fullOneGroup = { groups: 0, intents: 0.999, sharedUnit: 0.999, silent: 0, zeroRates: 0 };

/** Where searches begin: tables that the bounds of loops suggest. */
export const suspected: readonly Genome[] = [
  // Many claims that overlap all others, though never more than capacity allows at once.
  genomeOf({ ...fullOneGroup, pattern: 0.9, patternShare: 0.45, capacity: 0.68, rate: 0.25, notices: 0 }),
  // The same with room for a few of them: nearly all are checked and refused.
  genomeOf({ ...fullOneGroup, pattern: 0.1, capacity: 0.3, rate: 0.25, notices: 0 }),
  // One unit that all claim, with every notice about something else.
  genomeOf({ ...fullOneGroup, units: 0.1, sharedUnit: 0, pattern: 0.1, notices: 0.999, spanS: 0.9 }),
  // Half of the members are silent when an agreement round is cut.
  genomeOf({ ...fullOneGroup, groups: 0.5, silent: 0.5, boundary: 0.9, laterS: 0, notices: 0.999, leases: 0.5 }),
];
