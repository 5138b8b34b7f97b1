/**
 * What came of an injection, and what a campaign hands over: the words that the wasm campaign and the boards' share. The rules by which an
 * outcome is found stand in docs/injection.md; this file is the list of words and the order in which the worse one wins.
 */

/** From the best to the worst: when more than one applies to an injection, the last in this list is its outcome. */
export const outcomeNames = [
  /** Every output right, and the state is the golden run's again without any repair. */
  'masked',
  /** Every output right up to the end; the flipped bits (or what they changed) still lie there. */
  'masked-latent',
  /** Found and put right in place, and told (event `upset`); until then nothing was wrong that anybody took in. */
  'corrected',
  /** Found by a check of the protection (trap site 900–949, or an `upset` with outcome "dropped"); back and held alive by all within the deadline. */
  'detected-and-recovered',
  /** As above, or right outputs only, but later than the deadline allows. */
  'late',
  /** Silent from its detection to the end of the run: off or in safe mode. Nobody was told anything wrong. */
  'fail-silent',
  /** The runtime ended by any other trap than one of the protection's checks, whether or not it came back. */
  'crash',
  /** A call that did not end within its budget, or a runtime that let its watchdog bite. */
  'hang',
  /** A wrong decision: a command that differs from what the uncorrupted state gives; or an event, status or frame, never detected. */
  'SDC-local',
  /** A wrong value accepted by another node, with an effect on that node's state. */
  'SDC-propagated',
] as const;

export type OutcomeName = (typeof outcomeNames)[number];

/** Fault models. `register` and `skip` exist on boards only. */
export const modelNames = ['bit', 'double', 'burst', 'stuck', 'register', 'skip'] as const;
export type ModelName = (typeof modelNames)[number];

export type OutcomeCounts = Record<OutcomeName, number>;

/** One injection and its outcome: one line of `--out`. With seed, target, image and index it can be run again by itself. */
export interface InjectionRecord {
  /** The injection is a function of (target, seed, index). */
  index: number;
  target: string;
  /** Which build was struck. */
  image: 'protected' | 'unprotected';
  seed: number;
  /** The models that the campaign draws from, with commas between: what is drawn depends on them. */
  models?: string;
  model: ModelName;
  /** double: whether both bits lie in one 32-bit word, or anywhere in one 64-byte line. */
  span?: 'word' | 'line';
  /** The struck node of the cluster; on a board the one that it plays. */
  node: number;
  /** Before which call of that node, from its power-on (boards: and instruction `at` of that call). */
  call: number;
  at?: number;
  /** True mission time of that call, about, seconds. */
  timeS?: number;
  /** Where: byte address in linear memory, name of a register, or address of the skipped instruction. */
  place: number | string;
  /** Which kind of memory that is. */
  region?: 'static' | 'context';
  /** Bits flipped, counted from the least significant bit of the byte (or register) at `place`; none for `skip`. */
  bits: number[];
  outcome: OutcomeName;
  /** One line for people: what was seen first, and what then. */
  reason: string;
}

export interface CampaignOptions {
  models: readonly ModelName[];
  n: number;
  seed: number;
  image: 'protected' | 'unprotected';
  /** Indices that are known already (from `--out` with `--resume`): not run again. */
  known: ReadonlySet<number>;
  /** Only this one: `--only`. */
  only?: number;
  jobs: number;
  /** Called once per finished injection, in any order. */
  onRecord: (record: InjectionRecord) => void;
}

/** What else a campaign has to tell besides its records. */
export interface CampaignFacts {
  /** SHA-256 of the struck image. */
  firmware: string;
  /** Bits that an upset may strike; left out where that is not known. */
  bits?: number;
  /** Lines for people about how it was done: the run, its length, what was not covered. */
  notes: string[];
}

/** Signature of the boards' campaign, given by hwsim/emulator/campaign*.ts. */
export type InjectBoards = (target: string, options: CampaignOptions) => Promise<CampaignFacts>;

/** All names, each with 0. */
export function noOutcomes(): OutcomeCounts {
  return Object.fromEntries(outcomeNames.map((name) => [name, 0])) as OutcomeCounts;
}

/** Correct, or recovered by the deadline: what the 99.9 % counts. */
export const goodOutcomes: readonly OutcomeName[] = ['masked', 'masked-latent', 'corrected', 'detected-and-recovered'];

/** Traps at these sites are the protection's own checks: the state was found wrong before anything was changed or sent. */
export const protectionSites = { from: 900, to: 949 } as const;

export const isProtectionSite = (site: number) => site >= protectionSites.from && site <= protectionSites.to;
