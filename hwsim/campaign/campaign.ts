/** Declares what every injection campaign takes and gives, on whatever target. */
import type { FlipSpan, ModelName } from './fault_models.ts';
import type { Judgement } from './outcomes.ts';

/** The image as flown, or the build of the same sources without protection. */
export type ImageName = 'protected' | 'unprotected';

/**
 * One injection and its outcome: one line of `--out`. Target, image, seed, models and index are
 * enough to make the injection again by itself.
 */
export interface InjectionRecord extends Judgement {
  /** The injection is a function of (target, image, seed, models, index). */
  index: number;
  target: string;
  image: ImageName;
  seed: number;
  /** The models that the campaign draws from, separated by commas. */
  models?: string;
  model: ModelName;
  /** double and vertical only. */
  span?: FlipSpan;
  /** The injected node of the cluster; on a board, the node whose inputs it is given. */
  node: number;
  /**
   * Before which call of that node, counted from its power-on. Boards: and before instruction `at`
   * of that call.
   */
  call: number;
  at?: number;
  /** True mission time of that call, approximate, seconds. */
  timeS?: number;
  /** Byte address in linear memory, name of a register, or address of the skipped instruction. */
  place: number | string;
  /** The kind of memory at `place`. */
  region?: 'static' | 'context';
  /**
   * Bits flipped, counted from the least significant bit of the byte (or register) at `place`; none
   * for `skip`.
   */
  bits: number[];
}

export interface CampaignOptions {
  models: readonly ModelName[];
  n: number;
  seed: number;
  image: ImageName;
  /** Indices whose outcome is known (from `--out` with `--resume`): they are not run again. */
  known: ReadonlySet<number>;
  /** Only this one: `--only`. */
  only?: number;
  jobs: number;
  /** Called once per finished injection, in any order. */
  onRecord: (record: InjectionRecord) => void;
}

/** What a campaign reports besides its records. */
export interface CampaignFacts {
  /** SHA-256 of the injected image. */
  firmware: string;
  /** Bits that an upset may flip; absent where that is not known. */
  bits?: number;
  /** Lines for people: the run, its length, and what was not covered. */
  notes: string[];
}

/** Runs a campaign on a target. */
export type RunCampaign = (target: string, options: CampaignOptions) => Promise<CampaignFacts>;
