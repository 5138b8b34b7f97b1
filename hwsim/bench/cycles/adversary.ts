/**
 * Attacks the image with slow inputs: fills a node's tables as a genome decides, and makes one call
 * of each kind.
 */
import { type Message, PLAIN_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { SHAPES } from '../../../host/cbor/generated/shapes.ts';
import { encodeMessage, encodeShape, joinBytes, shapeNamed } from '../../../host/cbor/message.ts';
import { RandomStream } from '../../kernel/random.ts';
import {
  AttackBuilder,
  attackClaim,
  attackedConfig,
  type Cluster,
  fillTables,
  attackedGroupsMax,
} from './attack_tables.ts';
import { nextTxSlotS, nowS, observe, receive, tick } from './crowd.ts';
import { airMessage, airShapes, randomFields } from './drawn_messages.ts';
import { type Genome, gene, magnitude, scaled } from './genome.ts';
import type { Script } from './script.ts';
import { keyEpochOf } from './sealed_frames.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/**
 * Returns when the node is called next: soon, at the next liveness tick, or at the next agreement
 * round.
 */
function nextCallS(genome: Genome): number {
  const boundary = gene(genome, 'boundary');
  const laterS = scaled(genome, 'laterS', 0, 900);
  if (boundary < 0.25) return nowS + 1 + laterS;
  if (boundary < 0.5) return 5700 + Math.floor(laterS / 30);
  return 6000 + Math.floor(laterS / 30);
}

const implausible = encodeMessage({ name: 'suspicion', member: 0xffff, incarnation: 0 });

/**
 * Fills a frame with messages of a few types. `refused`: the last message is implausible, so that
 * all are checked and none is applied.
 */
function fullFrame({ genome, cluster, frames }: AttackBuilder, atS: number, refused: boolean): Uint8Array {
  const random = new RandomStream(scaled(genome, 'frameSeed', 0, 0xffff), 'frame');
  const sender = 1 + random.below(cluster.members - 1);
  const types = scaled(genome, 'frameTypes', 0, airShapes.length * airShapes.length - 1);
  const drawn = [airShapes[types % airShapes.length], airShapes[Math.floor(types / airShapes.length)]];
  // Messages of key epoch 0 travel in frames of their own.
  const keyEpoch = keyEpochOf(drawn[0].name);
  const chosen = drawn.filter(({ name }) => keyEpochOf(name) === keyEpoch);
  const parts: Uint8Array[] = [];
  let bytesLeft = PLAIN_BYTES_MAX - (refused ? implausible.length : 0);
  for (let tries = 0; tries < 60 && bytesLeft > 4; tries += 1) {
    const { name } = chosen[tries % chosen.length];
    const fields = airMessage(name, { members: cluster.members, sender, nowS: atS, random });
    const bytes = encodeShape(shapeNamed(name), fields);
    if (bytes.length > bytesLeft) continue;
    parts.push(bytes);
    bytesLeft -= bytes.length;
  }
  return frames.newest(sender, atS, joinBytes(refused ? [...parts, implausible] : parts), 0, keyEpoch);
}

const recordShapes = SHAPES.filter(({ name }) =>
  ['health', 'progress', 'assay', 'outlook', 'window', 'assign', 'recovery', 'group'].includes(name),
);

/** Draws a record of the platform. */
function record(genome: Genome, atS: number): Uint8Array {
  const shape = recordShapes[scaled(genome, 'recordType', 0, recordShapes.length - 1)];
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
  if ('group' in fields) fields.group = random.below(attackedGroupsMax);
  if ('resource' in fields) fields.resource = (random.below(attackedGroupsMax) << 16) | random.below(20);
  return encodeShape(shape, fields);
}

/** Sends messages that make the node queue many answers at once. */
function provoke({ genome, cluster, random, frames, script }: AttackBuilder, atS: number): void {
  for (let index = 0; index < scaled(genome, 'outbox', 0, 24); index += 1) {
    const sender = 1 + random.below(cluster.members - 1);
    const name = ['probe', 'sync-digest', 'owner-summary', 'since', 'probe-request'][random.below(5)];
    const fields = airMessage(name, { members: cluster.members, sender, nowS: atS, random });
    const bytes = encodeShape(shapeNamed(name), fields);
    if (frames.canSend(sender, atS)) receive(script, atS, frames.sealed(sender, atS, bytes, 0));
  }
}

/** Operations that an attack measures. */
export const attacked = [
  ...(['boot', 'restore', 'receive', 'open', 'observe', 'tick', 'transmit', 'command', 'event'] as const),
  ...(['checkpoint', 'hash', 'inspect', 'verdict'] as const),
] as const;
export type Attacked = (typeof attacked)[number];

export interface Attack {
  /** The operation of each call of the script after `from`. */
  ops: Attacked[];
  /** Calls that only fill the tables. */
  from: number;
}

type Act = (op: Attacked, call: () => void) => void;

/**
 * Builds a script that fills a node's tables and then makes one call of each kind, each on the same
 * state.
 */
export function attack(script: Script, genome: Genome, cluster: Cluster): Attack {
  const builder = new AttackBuilder(script, genome, cluster);
  fillTables(builder);
  const last = addLastClaim(builder);
  script.keep();
  const from = script.calls;
  const atS = nextCallS(genome);
  const ops: Attacked[] = [];
  const act: Act = (op, call) => {
    ops.push(op);
    call();
  };
  act('verdict', () => script.call('verdict', SCRIPT_PLACE.context, last.owner, last.slot, nowS, 0));
  attackWithInputs(builder, atS, act);
  pollAfterTick(script, atS, act);
  attackWhole(builder, atS, act);
  return { ops, from };
}

/**
 * Adds a claim that comes last in its group, answers to send, and a notice that makes all verdicts
 * of the group void. Returns the claim, of which `verdict` is asked.
 */
function addLastClaim(builder: AttackBuilder): { owner: number; slot: number } {
  const { genome, cluster, random } = builder;
  const last = { owner: 1 + random.below(cluster.members - 1), slot: 7 };
  const late: Message = {
    ...attackClaim(builder, last.owner, last.slot, 0, 1),
    ...{ resource: 1 << 16, startS: nowS - 100, endS: nowS + 9000, rate: 0, state: 2, priority: 0 },
    ...{ claimS: nowS, publishedS: nowS },
  };
  builder.send(1, nowS, [late]);
  provoke(builder, nowS);
  const capacity = magnitude(genome, 'capacity') + 1;
  builder.send(1, nowS, [{ name: 'notice', group: 1, unit: 0, capacity, observedS: nowS, observer: 1 }]);
  return last;
}

/** Gives a frame that is applied, one that is refused at its end, and a record. */
function attackWithInputs(builder: AttackBuilder, atS: number, act: Act): void {
  const { script, genome } = builder;
  for (const [op, refused] of [
    ['receive', false],
    ['open', true],
  ] as const) {
    script.back();
    act('tick', () => tick(script, atS));
    act(op, () => receive(script, atS, fullFrame(builder, atS, refused)));
  }
  script.back();
  act('observe', () => observe(script, atS, record(genome, atS)));
}

function pollAfterTick(script: Script, atS: number, act: Act): void {
  script.back();
  act('tick', () => tick(script, atS));
  const sentS = nextTxSlotS(atS);
  act('transmit', () => script.call('transmit', SCRIPT_PLACE.context, sentS, 0, SCRIPT_PLACE.frame, 256));
  act('command', () => script.call('command', SCRIPT_PLACE.context, SCRIPT_PLACE.record, 256));
  act('event', () => script.call('event', SCRIPT_PLACE.context, SCRIPT_PLACE.record, 256));
}

/** Makes the calls that concern the context as a whole. */
function attackWhole({ script, genome, cluster }: AttackBuilder, atS: number, act: Act): void {
  const { checkpointBytes } = cluster;
  const { context, checkpoint, config: configAt } = SCRIPT_PLACE;
  const config = attackedConfig(genome, cluster, atS);
  script.back();
  const [what, index] = [scaled(genome, 'recordType', 1, 10), scaled(genome, 'recordSeed', 0, 40)];
  act('inspect', () => script.call('inspect', context, what, index, SCRIPT_PLACE.frame, 256));
  act('hash', () => script.call('hash', context));
  act('checkpoint', () => script.call('checkpoint', context, checkpoint, checkpointBytes));
  script.write(configAt, config);
  act('restore', () => script.call('restore', context, checkpoint, checkpointBytes, configAt, config.length, 2, 1, 0));
  act('boot', () => script.call('boot', context, configAt, config.length, 1, 0, 0));
}
