/**
 * Builds the table of a node under attack: what the genome decides, as far as a receiver accepts
 * it.
 */
import { FEATURE, type Group, type Message, ROUND_S } from '../../../host/cbor/generated.ts';
import { encodeConfig } from '../../../host/platform/config.ts';
import { RandomStream } from '../../kernel/random.ts';
import { benchCapability, heardS, nowS, observe, receive, tick } from './crowd.ts';
import { type Gene, type Genome, gene, magnitude, scaled } from './genome.ts';
import type { Script } from './script.ts';
import { BenchFrames, benchKeys, reservation } from './sealed_frames.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/** Sizes of the cluster under attack. */
export interface Cluster {
  members: number;
  intentsMax: number;
  noticesMax: number;
  checkpointBytes: number;
}

export const attackedGroupsMax = 31;

/** Builds the script of one attack. */
export class AttackBuilder {
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

  /** True with the probability that a gene names. */
  chance(name: Gene): boolean {
    return this.random.fraction() < gene(this.genome, name);
  }

  /** Gives the node a frame that it accepts; none when the sender has no counter left. */
  send(sender: number, atS: number, messages: Message[]): void {
    if (this.frames.canSend(sender, atS)) receive(this.script, atS, this.frames.frame(sender, atS, messages));
  }
}

/**
 * Encodes the node's configuration. `atS`: mission second at which the processor's own clock is at
 * zero.
 */
export function attackedConfig(genome: Genome, cluster: Cluster, atS = 0): Uint8Array {
  const units = scaled(genome, 'units', 0, 255);
  const capacity = magnitude(genome, 'capacity');
  const groups = Array.from({ length: scaled(genome, 'groups', 1, attackedGroupsMax) }, (_, index): Group => {
    return { name: 'group', group: index + 1, kind: 1 + (index & 1), units, capacity, stockKg: 1_000_000, loadKg: 600 };
  });
  const features = gene(genome, 'ownWork') < 0.5 ? FEATURE.plans | FEATURE.replicates | FEATURE.signs : 0;
  // In the lower half of the gene's range, claims of an owner are not bounded.
  const ownerRateMax = gene(genome, 'ownerRate') <= 0.5 ? 0 : magnitude(genome, 'ownerRate');
  const config = {
    ...{ cluster: 1, self: 0, members: cluster.members, generation: 1, seed: 1, features },
    ...benchCapability,
    replicateW: 200,
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
 * Draws interval and rate of claim number `index` of `count`. Pattern below ½: at random. Above: a
 * third begins early, a third late, and the rest spans both. That passes every quick test of the
 * conflict check, and each claim must be compared with all others at every beginning.
 */
function interval(
  builder: AttackBuilder,
  index: number,
  count: number,
): { startS: number; endS: number; rate: number } {
  const { genome, random } = builder;
  const spanS = 2 + scaled(genome, 'spanS', 0, 90_000);
  const rate = drawnRate(builder, Math.floor(1 + gene(genome, 'rate') * 400));
  if (gene(genome, 'pattern') < 0.5) {
    const startS = nowS - 600 + random.below(scaled(genome, 'spreadS', 1, 90_000));
    return { startS, endS: startS + 1 + random.below(spanS), rate };
  }
  const share = 0.2 + 0.3 * gene(genome, 'patternShare');
  const middleS = nowS + 3000;
  const jitterS = random.below(500);
  if (index < count * share) return { startS: nowS + jitterS, endS: middleS, rate };
  if (index < count * 2 * share) return { startS: middleS + jitterS, endS: middleS + 4000, rate };
  return { startS: nowS - 100 + (jitterS >> 3), endS: middleS + 5000, rate: gene(genome, 'zeroRates') < 0.5 ? 0 : 1 };
}

function drawnRate({ genome, random }: AttackBuilder, rateMax: number): number {
  return random.fraction() < gene(genome, 'zeroRates') * 0.5 ? 0 : 1 + random.below(rateMax);
}

type IntentMessage = Extract<Message, { name: 'intent' }>;

/** Draws claim number `index` of `count`. */
export function attackClaim(
  builder: AttackBuilder,
  owner: number,
  slot: number,
  index: number,
  count: number,
): IntentMessage {
  const { genome, random } = builder;
  const patterned = gene(genome, 'pattern') >= 0.5;
  const unit = builder.chance('sharedUnit') ? 0 : 1 + random.below(scaled(genome, 'units', 0, 255) + 1);
  // A patterned table is walked in the order of its claims: earlier agreement rounds first.
  const rounds = Math.floor(nowS / ROUND_S) - 1;
  const claimS = patterned ? ROUND_S * Math.floor((index * rounds) / count) : 3000 + random.below(1900);
  return {
    name: 'intent',
    ...{ owner, slot, version: 1, kind: 1, generation: 1, nonce: random.uint32(), read: 0 },
    resource: ((1 + random.below(scaled(genome, 'groups', 1, attackedGroupsMax))) << 16) | unit,
    ...interval(builder, index, count),
    priority: patterned ? 0 : random.below(scaled(genome, 'priorities', 1, 4)),
    state: patterned ? 2 : 1 + random.below(3),
    ...{ claimS, publishedS: Math.max(claimS, 4950), leaseS: builder.chance('leases') ? nowS + random.below(4000) : 0 },
  };
}

/** Boots the node and fills its tables. */
export function fillTables(builder: AttackBuilder): void {
  const { script, genome, cluster, random } = builder;
  const config = attackedConfig(genome, cluster);
  script.write(SCRIPT_PLACE.config, config);
  script.call('boot', SCRIPT_PLACE.context, SCRIPT_PLACE.config, config.length, 1, 0, 0);
  observe(script, 0, reservation());
  const present = Array.from({ length: cluster.members - 1 }, (_, index) => index + 1).filter(
    () => !builder.chance('silent'),
  );
  if (present.length === 0) present.push(1);
  tick(script, heardS);
  for (const sender of present)
    builder.send(sender, heardS, [{ name: 'join', incarnation: 1, generation: 1, cause: 1, upS: 0 }]);
  tick(script, nowS);
  const count = scaled(genome, 'intents', 0, cluster.intentsMax - 8);
  const senderOf = (index: number) => present[index % present.length];
  for (let index = 0; index < count; index += 1) {
    const owner = 1 + (index % (cluster.members - 1));
    const slot = Math.floor(index / (cluster.members - 1));
    builder.send(senderOf(index), nowS, [attackClaim(builder, owner, slot, index, count)]);
  }
  for (let index = 0; index < scaled(genome, 'notices', 0, cluster.noticesMax); index += 1) {
    const unit = 1 + random.below(255);
    const fact = {
      group: 1 + random.below(scaled(genome, 'groups', 1, attackedGroupsMax)),
      unit,
      capacity: random.below(2),
    };
    builder.send(senderOf(index), nowS, [
      { name: 'notice', ...fact, observedS: nowS - 1 - index, observer: present[0] },
    ]);
  }
  if (gene(genome, 'heardAgain') < 0.5)
    for (const sender of present) builder.send(sender, nowS, [{ name: 'ack', sequence: 1 }]);
}
