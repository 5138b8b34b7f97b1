import { z } from 'zod';
import { targetNames } from '../../host/board/targets.ts';
import { runDays } from '../../host/cli/run_days.ts';
import { attacks, boundedAttacks } from './attacks.ts';

/**
 * Times are mission time; mission second 0 is `epoch`. Every number has a lower and an upper bound,
 * within which a run can be flown: test/host/scenario_bounds.test.ts flies each.
 */
const fraction = z.number().min(0).max(1);
const days = z.number().min(0).max(runDays.max);
const watts = z.int().min(0).max(10_000_000);

/**
 * SIM-1: the time of a disruption, either fixed or drawn uniformly from a window by the scenario's
 * seed.
 */
const when = z.union([z.strictObject({ atDay: days }), z.strictObject({ fromDay: days, toDay: days })]);

const count = z.int().min(1).max(200).default(1);
/** The node affected; left out, the seed draws one. */
const node = z.int().min(0).max(199).optional();

const disruptionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('node-death'), count, node, when }),
  z.strictObject({
    kind: z.literal('reset'),
    count,
    node,
    when,
    downS: z.int().min(1).max(86400).default(60),
    /** Checkpoint slots that do not verify after the reset, the newest first. */
    badSlots: z.int().min(0).max(2).default(0),
    /** The node has no power during the reset: an emulated board is switched off and on. */
    losesPower: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('hung-task'),
    count,
    node,
    when,
    persistent: z.boolean().default(false),
    /**
     * Levels of the escalation ladder that fail: 1 task, 2 runtime, 3 processor, 4 alternate image.
     */
    failing: z.array(z.int().min(1).max(4)).max(4).default([]),
  }),
  z.strictObject({ kind: z.literal('hung-runtime'), count, node, when }),
  /**
   * A share of the members is out of reach of the others for a while; within the share, members
   * hear each other.
   */
  z.strictObject({
    kind: z.literal('occultation'),
    when,
    hours: z
      .number()
      .min(0.01)
      .max(24 * 60),
    share: fraction,
    /** How long before the onset the members know of it; 0: not at all. */
    predictedHours: z
      .number()
      .min(0)
      .max(24 * 60)
      .default(6),
  }),
  z.strictObject({ kind: z.literal('lot-depleted'), when }),
  z.strictObject({ kind: z.literal('tug-lost'), when }),
  /**
   * A real solar particle event, named by its start in NOAA's list: resets nodes and silences
   * radios around the peak.
   */
  z.strictObject({
    kind: z.literal('storm'),
    when,
    event: z.string(),
    silenceHours: z.number().min(0).max(72),
    riseHours: z.number().min(0.5).max(12).default(6),
    resetShare: fraction,
    /** Time in which the flux falls by the factor e. */
    decayHours: z.number().min(12).max(96).default(24),
    /**
     * Upset rate in the hour around the peak divided by the quiet rate; has an effect only with
     * `upsets`.
     */
    upsetPeak: z.number().min(1).max(100_000).default(75),
  }),
]);

/**
 * Single-event upsets in every node's memory, independent for each node. A storm raises the rate
 * with its flux. Sources: docs/scenarios.md.
 */
const upsetsSchema = z.strictObject({
  /** Rate in quiet times, per bit of memory and day. */
  perBitDay: z.number().min(1e-15).max(0.01).default(1e-8),
  /** Share of all upsets that flip two bits of one 32-bit word. */
  doubleShare: fraction.default(0.08),
  /** Share of all upsets that flip three to eight neighbouring bits. */
  burstShare: fraction.default(0.01),
  /**
   * Errors of the memory controller, per word that it writes to or reads from non-volatile memory.
   */
  accessFaultsPerWord: fraction.default(0),
  /** Factor on the upset rate; with 0 all nodes have memory of their own and no upset happens. */
  scale: z.number().min(0).max(1_000_000).default(1),
});

/** A Byzantine member. It holds the valid keys of its place; the judges judge the other members. */
const insiderSchema = z.strictObject({
  /** Left out: the seed draws one that no disruption affects by itself. */
  node,
  fromDay: days.default(0.25),
  /** Left out: until the end. */
  toDay: days.optional(),
  /**
   * Delay of the ground, hours: from the contact window in which the ground hears that the node is
   * a proven equivocator, to the issue of keys that exclude the node. Left out: never.
   */
  excludedAfterHours: z.number().min(0).max(1000).optional(),
  attacks: z
    .array(z.enum(attacks))
    .min(1)
    .default([...boundedAttacks]),
});

export const scenarioSchema = z.strictObject({
  heliograph: z.literal(1),
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title: z.string().max(200),
  seed: z.int().min(0).max(0xffffffff).default(1),
  days: z.number().min(runDays.min).max(runDays.max),
  epoch: z.iso.datetime(),
  preset: z.enum(['flight', 'compact', 'tiny']).default('flight'),
  body: z.string().max(200),
  nodes: z.int().min(1).max(200),
  /** Shares of hardware generations, each with its capability. */
  generations: z
    .array(
      z.strictObject({
        generation: z.int().min(1).max(255),
        share: fraction,
        rateKgPerDay: z.int().min(1).max(100000),
        storageKg: z.int().min(1).max(10_000_000),
        batteryWh: z.int().min(1).max(10_000_000),
        /** At 1 AU; scaled by 1/a² of the body. */
        solarW: z.int().min(1).max(10_000_000),
        baseW: watts,
        replicateW: watts,
        /** Firmware counts with no more (MINE_WH_PER_KG_MAX). */
        mineWhPerKg: z.int().min(0).max(2000),
      }),
    )
    .min(1)
    .max(3),
  world: z.strictObject({
    lots: z.int().min(1).max(16),
    /** Sum of the lots' extraction rates ÷ sum of the nodes' rates. */
    saturation: z.number().min(0.01).max(2),
    /** Exclusive sites per lot = ceil(sitesPerNode × nodes ÷ lots). */
    sitesPerNode: z.number().min(0.01).max(4),
    stockDays: z.number().min(0.01).max(36_500).default(3650),
    tugs: z.int().min(0).max(64),
    tugLoadKg: z.int().min(1).max(10_000_000).default(600),
    depotKgPerDay: z.int().min(1).max(100_000_000),
    maintenanceEveryDays: z.number().min(0.1).max(runDays.max).default(3),
    maintenanceMinutes: z.int().min(0).max(1440).default(30),
    contactEveryHours: z.number().min(0.5).max(8784).default(24),
    contactMinutes: z.int().min(0).max(1440).default(5),
    contactWh: z.int().min(0).max(10_000_000).default(20),
  }),
  radio: z.strictObject({
    bitsPerS: z.int().min(1000).max(1_000_000_000).default(35000),
    lightTimeMs: z.int().min(0).max(10000).default(1),
    meanLoss: fraction.default(0.1),
    meanBurstS: z.number().min(0).max(86_400).default(20),
  }),
  clock: z.strictObject({ driftPpm: z.number().min(0).max(100).default(20) }).default({ driftPpm: 20 }),
  /**
   * Nodes whose controllers are flight boards in emulators; the other nodes are simulated. A board
   * carries its target's image.
   */
  boards: z
    .array(z.strictObject({ node: z.int().min(0).max(199), target: z.enum(targetNames) }))
    .max(16)
    .default([]),
  telemetryS: z.int().min(60).max(3600).default(300),
  disruptions: z.array(disruptionSchema).max(1000).default([]),
  /** Left out: memory never errs, and all nodes share one instance of the image. */
  upsets: upsetsSchema.optional(),
  /** Left out: all members are honest. */
  insider: insiderSchema.optional(),
  /** false: nobody plans work, and production is not judged; for runs that test membership only. */
  planWork: z.boolean().default(true),
  greedyBaseline: z.boolean().default(true),
  /** Another share of the achievable than 90 % that the run must produce, and why. */
  production: z.strictObject({ shareMin: fraction, why: z.string().min(1).max(300) }).optional(),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Disruption = z.infer<typeof disruptionSchema>;
export type UpsetRates = z.infer<typeof upsetsSchema>;
