/**
 * Inputs that try to make the image slow. A genome of numbers in [0, 1) decides on the table that a node holds, on when it is called next, and on the frame and the
 * record that it gets then. Nothing here is bound to what honest members do, only to what a receiver believes.
 */
import { PLAIN_BYTES_MAX, type Group, type Message } from '../../../host/cbor/generated.ts';
import { encodeMessage, encodeShape, joinBytes, shapeNamed } from '../../../host/cbor/message.ts';
import { SHAPES } from '../../../host/cbor/generated_shapes.ts';
import { encodeConfig } from '../../../host/platform/config.ts';
import { RandomStream } from '../../kernel/random.ts';
import { BenchFrames, benchKeys, keyEpochOf, reservation } from './sealed_frames.ts';
import { airMessage, airShapes, randomFields } from './drawn_messages.ts';
import { place, type Script } from './script.ts';
import { observe, tick } from './crowd.ts';

export type Genome = readonly number[];

/** Order of the genes. */
const genes = [
  ...[
    'seed',
    'groups',
    'units',
    'capacity',
    'rate',
    'zeroRates',
    'intents',
    'pattern',
    'patternShare',
    'spanS',
    'spreadS',
    'sharedUnit',
  ],
  ...[
    'gone',
    'notices',
    'priorities',
    'leases',
    'ownWork',
    'agreeing',
    'laterS',
    'boundary',
    'frameTypes',
    'frameSeed',
    'recordType',
    'recordSeed',
  ],
  ...['outbox', 'heardAgain', 'ownerRate', 'repeat'],
] as const;
export type Gene = (typeof genes)[number];
export const geneCount = genes.length;

export const gene = (genome: Genome, name: Gene): number => genome[genes.indexOf(name)];

export interface Cluster {
  members: number;
  intentsMax: number;
  noticesMax: number;
  checkpointBytes: number;
}

export const nowS = 5500;
const heardS = 5300;
const groupsMax = 31;

const scaled = (genome: Genome, name: Gene, from: number, to: number) =>
  Math.floor(from + gene(genome, name) * (to + 1 - from));

class Builder {
  readonly random: RandomStream;
  readonly frames = new BenchFrames();
  readonly script: Script;
  readonly genome: Genome;
  readonly cluster: Cluster;

  constructor(script: Script, genome: Genome, cluster: Cluster) {
    this.script = script;
    this.genome = genome;
    this.cluster = cluster;
    this.random = new RandomStream(scaled(genome, 'seed', 0, 0xffff), 'adversary');
  }

  chance(name: Gene): boolean {
    return this.random.fraction() < gene(this.genome, name);
  }

  /** A frame that the receiver takes: one for which its sender has no counter left is never built. */
  hear(sender: number, atS: number, messages: Message[]): void {
    if (this.frames.mayHear(sender, atS)) this.give(atS, this.frames.frame(sender, atS, messages));
  }

  give(atS: number, frame: Uint8Array): number {
    this.script.write(place.frame, frame);
    return this.script.call('receive', place.context, atS, 0, place.frame, frame.length);
  }
}

/** Mission time is known: `atS` when the processor's own clock is at zero. */
function configOf(genome: Genome, cluster: Cluster, atS = 0): Uint8Array {
  const units = scaled(genome, 'units', 0, 255);
  const capacity = Math.floor(10 ** (1 + 5 * gene(genome, 'capacity')));
  const groups = Array.from({ length: scaled(genome, 'groups', 1, groupsMax) }, (_, index): Group => {
    return { name: 'group', group: index + 1, kind: 1 + (index & 1), units, capacity, stockKg: 1_000_000, loadKg: 600 };
  });
  const capability = {
    rateMax: 200,
    storageKg: 8000,
    batteryWh: 6000,
    solarW: 1000,
    baseW: 40,
    replicateW: 200,
    mineWhPerKg: 60,
  };
  const features = gene(genome, 'ownWork') < 0.5 ? 3 : 0;
  // Up to the middle of its range nobody's claims are bounded.
  const ownerRateMax = gene(genome, 'ownerRate') <= 0.5 ? 0 : Math.floor(10 ** (1 + 5 * gene(genome, 'ownerRate')));
  const config = {
    cluster: 1,
    self: 0,
    members: cluster.members,
    generation: 1,
    seed: 1,
    features,
    ...capability,
    ownerRateMax,
  };
  const facts = {
    incarnation: 1,
    timeKnown: true,
    missionMs: atS * 1000,
    resets: 0,
    alternateImage: false,
    reserved: 0,
  };
  return encodeConfig(config, groups, facts, benchKeys(0));
}

/**
 * Intervals of an intent. Pattern below ½: at random. Above: a third begins early, a third late, and the rest spans both, which passes every quick test of the conflict check and
 * must be compared with all others at every beginning.
 */
function interval(builder: Builder, index: number, count: number): { startS: number; endS: number; rate: number } {
  const { genome, random } = builder;
  const spanS = 2 + scaled(genome, 'spanS', 0, 90_000);
  const rate = gene(genome, 'rate');
  const rates = chosenRate(builder, Math.floor(1 + rate * 400));
  if (gene(genome, 'pattern') < 0.5) {
    const startS = nowS - 600 + random.below(scaled(genome, 'spreadS', 1, 90_000));
    return { startS, endS: startS + 1 + random.below(spanS), rate: rates };
  }
  const share = 0.2 + 0.3 * gene(genome, 'patternShare');
  const middleS = nowS + 3000;
  const jitter = random.below(500);
  if (index < count * share) return { startS: nowS + jitter, endS: middleS, rate: rates };
  if (index < count * 2 * share) return { startS: middleS + jitter, endS: middleS + 4000, rate: rates };
  return { startS: nowS - 100 + (jitter >> 3), endS: middleS + 5000, rate: gene(genome, 'zeroRates') < 0.5 ? 0 : 1 };
}

function chosenRate({ genome, random }: Builder, most: number): number {
  return random.fraction() < gene(genome, 'zeroRates') * 0.5 ? 0 : 1 + random.below(most);
}

function claim(builder: Builder, owner: number, slot: number, index: number, count: number): Message {
  const { genome, random } = builder;
  const patterned = gene(genome, 'pattern') >= 0.5;
  const unit = builder.chance('sharedUnit') ? 0 : 1 + random.below(scaled(genome, 'units', 0, 255) + 1);
  // A patterned table is walked in the order of its claims: earlier epochs first.
  const claimS = patterned ? 600 * Math.min(8, Math.floor((index * 9) / count)) : 3000 + random.below(1900);
  return {
    name: 'intent',
    ...{ owner, slot, version: 1, kind: 1, generation: 1, nonce: random.uint32(), read: 0 },
    resource: ((1 + random.below(scaled(genome, 'groups', 1, groupsMax))) << 16) | unit,
    ...interval(builder, index, count),
    priority: patterned ? 0 : random.below(scaled(genome, 'priorities', 1, 4)),
    state: patterned ? 2 : 1 + random.below(3),
    ...{ claimS, publishedS: Math.max(claimS, 4950), leaseS: builder.chance('leases') ? nowS + random.below(4000) : 0 },
  };
}

/** Boots the node and fills its table. */
function fill(builder: Builder): void {
  const { script, genome, cluster, random } = builder;
  const config = configOf(genome, cluster);
  script.write(place.config, config);
  script.call('boot', place.context, place.config, config.length, 1, 0, 0);
  observe(script, 0, reservation());
  const present = Array.from({ length: cluster.members - 1 }, (_, index) => index + 1).filter(
    () => !builder.chance('gone'),
  );
  if (present.length === 0) present.push(1);
  tick(script, heardS);
  for (const sender of present)
    builder.hear(sender, heardS, [{ name: 'join', incarnation: 1, generation: 1, cause: 1 }]);
  tick(script, nowS);
  const count = scaled(genome, 'intents', 0, cluster.intentsMax - 8);
  const senders = (index: number) => present[index % present.length];
  for (let index = 0; index < count; index += 1) {
    const owner = 1 + (index % (cluster.members - 1));
    builder.hear(senders(index), nowS, [
      claim(builder, owner, Math.floor(index / (cluster.members - 1)), index, count),
    ]);
  }
  for (let index = 0; index < scaled(genome, 'notices', 0, cluster.noticesMax); index += 1) {
    const unit = 1 + random.below(255);
    const fact = { group: 1 + random.below(scaled(genome, 'groups', 1, groupsMax)), unit, capacity: random.below(2) };
    builder.hear(senders(index), nowS, [
      { name: 'notice', ...fact, observedS: nowS - 1 - index, observer: present[0] },
    ]);
  }
  if (gene(genome, 'heardAgain') < 0.5)
    for (const sender of present) builder.hear(sender, nowS, [{ name: 'ack', sequence: 1 }]);
}

/** When the node is called next: soon, at the next beat, or at the next epoch. */
function nextCallS(genome: Genome): number {
  const boundary = gene(genome, 'boundary');
  const later = scaled(genome, 'laterS', 0, 900);
  if (boundary < 0.25) return nowS + 1 + later;
  if (boundary < 0.5) return 5700 + Math.floor(later / 30);
  return 6000 + Math.floor(later / 30);
}

const trailer = encodeMessage({ name: 'suspicion', member: 0xffff, incarnation: 0 });

/** A frame as full as it can be of messages of a few types. `refused`: the last of them cannot be true, so that all are checked and none is applied. */
function fullFrame(builder: Builder, atS: number, refused: boolean): Uint8Array {
  const { genome, cluster } = builder;
  const random = new RandomStream(scaled(genome, 'frameSeed', 0, 0xffff), 'frame');
  const sender = 1 + random.below(cluster.members - 1);
  const bits = scaled(genome, 'frameTypes', 0, airShapes.length * airShapes.length - 1);
  const drawn = [airShapes[bits % airShapes.length], airShapes[Math.floor(bits / airShapes.length)]];
  // What travels under the key of epoch 0 travels with nothing else.
  const epoch = keyEpochOf(drawn[0].name);
  const chosen = drawn.filter(({ name }) => keyEpochOf(name) === epoch);
  const parts: Uint8Array[] = [];
  let room = PLAIN_BYTES_MAX - (refused ? trailer.length : 0);
  for (let tries = 0; tries < 60 && room > 4; tries += 1) {
    const { name } = chosen[tries % chosen.length];
    const bytes = encodeShape(
      shapeNamed(name),
      airMessage(name, { members: cluster.members, sender, nowS: atS, random }),
    );
    if (bytes.length > room) continue;
    parts.push(bytes);
    room -= bytes.length;
  }
  return builder.frames.newest(sender, atS, joinBytes(refused ? [...parts, trailer] : parts), 0, epoch);
}

const records = SHAPES.filter(({ name }) =>
  ['health', 'progress', 'assay', 'outlook', 'window', 'assign', 'recovery', 'group'].includes(name),
);

function record(genome: Genome, atS: number): Uint8Array {
  const shape = records[scaled(genome, 'recordType', 0, records.length - 1)];
  const random = new RandomStream(scaled(genome, 'recordSeed', 0, 0xffff), 'record');
  const fields = randomFields(shape, random);
  const startS = atS + random.below(5000);
  const times: Record<string, unknown> = {
    startS,
    endS: startS + 3600 + random.below(90_000),
    fromS: startS,
    untilS: startS + 90_000,
  };
  for (const name of Object.keys(times)) if (name in fields) fields[name] = times[name];
  if ('slot' in fields) fields.slot = random.below(8);
  if ('group' in fields) fields.group = random.below(groupsMax);
  if ('resource' in fields) fields.resource = (random.below(groupsMax) << 16) | random.below(20);
  return encodeShape(shape, fields);
}

/** Messages that make the node want to answer many at once. */
function provoke(builder: Builder, atS: number): void {
  const { genome, cluster, random } = builder;
  for (let index = 0; index < scaled(genome, 'outbox', 0, 24); index += 1) {
    const sender = 1 + random.below(cluster.members - 1);
    const name = ['probe', 'sync-digest', 'owner-summary', 'since', 'probe-request'][random.below(5)];
    const bytes = encodeShape(
      shapeNamed(name),
      airMessage(name, { members: cluster.members, sender, nowS: atS, random }),
    );
    if (builder.frames.mayHear(sender, atS)) builder.give(atS, builder.frames.sealed(sender, atS, bytes, 0));
  }
}

/** Exports that the adversary has an action for. */
export const attacked = [
  ...(['boot', 'restore', 'receive', 'open', 'observe', 'tick', 'transmit', 'command', 'event'] as const),
  ...(['deadline', 'checkpoint', 'hash', 'inspect', 'verdict'] as const),
] as const;
export type Attacked = (typeof attacked)[number];

export interface Attack {
  /** Which operation each call of the script after `from` stands for. */
  ops: Attacked[];
  /** Calls that only build the table. */
  from: number;
}

/** Calls about the context as a whole. */
function whole({ script, genome, cluster }: Builder, atS: number, act: (op: Attacked) => void): void {
  script.back();
  act('inspect');
  script.call(
    'inspect',
    place.context,
    scaled(genome, 'recordType', 1, 10),
    scaled(genome, 'recordSeed', 0, 40),
    place.frame,
    256,
  );
  act('hash');
  script.call('hash', place.context);
  act('checkpoint');
  script.call('checkpoint', place.context, place.checkpoint, cluster.checkpointBytes);
  const config = configOf(genome, cluster, atS);
  script.write(place.config, config);
  act('restore');
  script.call(
    'restore',
    place.context,
    place.checkpoint,
    cluster.checkpointBytes,
    place.config,
    config.length,
    2,
    1,
    0,
  );
  act('boot');
  script.call('boot', place.context, place.config, config.length, 1, 0, 0);
}

/**
 * Builds a script that fills a table and then makes one call of each kind on it, each on the same state. `verdict` is asked of a claim that comes last in its group, with a notice
 * before it that makes all verdicts of the group void.
 */
export function attack(script: Script, genome: Genome, cluster: Cluster): Attack {
  const builder = new Builder(script, genome, cluster);
  const ops: Attacked[] = [];
  fill(builder);
  const last = { owner: 1 + builder.random.below(cluster.members - 1), slot: 7 };
  const late: Message = {
    ...(claim(builder, last.owner, last.slot, 0, 1) as Extract<Message, { name: 'intent' }>),
    ...{
      resource: 1 << 16,
      startS: nowS - 100,
      endS: nowS + 9000,
      rate: 0,
      state: 2,
      priority: 0,
      claimS: nowS,
      publishedS: nowS,
    },
  };
  builder.hear(1, nowS, [late]);
  provoke(builder, nowS);
  builder.hear(1, nowS, [
    {
      name: 'notice',
      group: 1,
      unit: 0,
      capacity: Math.floor(10 ** (1 + 5 * gene(genome, 'capacity'))) + 1,
      observedS: nowS,
      observer: 1,
    },
  ]);
  script.keep();
  const from = script.calls;
  const atS = nextCallS(genome);
  const act = (op: Attacked) => {
    ops.push(op);
  };
  act('verdict');
  script.call('verdict', place.context, last.owner, last.slot, nowS, 0);
  script.back();
  act('tick');
  tick(script, atS);
  act('receive');
  builder.give(atS, fullFrame(builder, atS, false));
  script.back();
  act('tick');
  tick(script, atS);
  act('open');
  builder.give(atS, fullFrame(builder, atS, true));
  script.back();
  act('observe');
  observe(script, atS, record(genome, atS));
  script.back();
  act('tick');
  script.call('tick', place.context, atS, 0);
  act('transmit');
  script.call('transmit', place.context, atS, 0, place.frame, 256);
  act('command');
  script.call('command', place.context, place.record, 256);
  act('event');
  script.call('event', place.context, place.record, 256);
  act('deadline');
  script.call('deadline', place.context, atS, 0);
  whole(builder, atS, act);
  return { ops, from };
}

/** A genome by names; what is not named stands in the middle. */
function genomeOf(values: Partial<Record<Gene, number>>): Genome {
  return genes.map((name) => values[name] ?? 0.5);
}

const fullOneGroup = { groups: 0, intents: 0.999, sharedUnit: 0.999, gone: 0, zeroRates: 0 };

/** Where searches begin: tables that the loops' bounds suggest. */
export const suspected: readonly Genome[] = [
  // Many claims that overlap all others though never more than capacity allows at once.
  genomeOf({ ...fullOneGroup, pattern: 0.9, patternShare: 0.45, capacity: 0.68, rate: 0.25, notices: 0 }),
  // One unit that all want, with every notice about something else.
  genomeOf({ ...fullOneGroup, units: 0.1, sharedUnit: 0, pattern: 0.1, notices: 0.999, spanS: 0.9 }),
  // Half of the members are gone and an epoch is cut.
  genomeOf({ ...fullOneGroup, groups: 0.5, gone: 0.5, boundary: 0.9, laterS: 0, notices: 0.999, leases: 0.5 }),
];
