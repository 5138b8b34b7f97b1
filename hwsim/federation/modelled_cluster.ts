import { Custody } from '../fleet/custody.ts';
import { RandomStream } from '../kernel/random.ts';
import { TraceHash } from '../kernel/trace_hash.ts';
import type { Places } from '../world/orbits/places.ts';
import { Agenda } from './agenda.ts';
import { type AgeCounts, countAge } from './ages.ts';
import { type ClusterResult, type FlyingCluster, samplesOf, software } from './cluster.ts';
import type { Kernels } from './kernels.ts';
import { type FleetSetting, numberOf, seedOf } from './setting.ts';

const msPerDay = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;
/** A summary goes abroad so long after the second of the hour that is its cluster's. */
const signedAfterMs = minuteMs;
/** Bytes of a modelled summary: cluster, region, second. */
const summaryBytes = 8;

interface ModelledSummary {
  cluster: number;
  region: number;
  round: number;
  sequence: number;
}

/** `round` is the mission second: newer summaries have later ones. */
function encoded({ cluster, region, round }: Omit<ModelledSummary, 'sequence'>): Uint8Array {
  const bytes = new Uint8Array(summaryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, cluster);
  view.setUint16(2, region);
  view.setUint32(4, round);
  return bytes;
}

function read(message: Uint8Array): ModelledSummary {
  const view = new DataView(message.buffer, message.byteOffset, summaryBytes);
  return { cluster: view.getUint16(0), region: view.getUint16(2), round: view.getUint32(4), sequence: 0 };
}

/**
 * A cluster whose nodes do not fly: what becomes of it is drawn from kernels. What it says of
 * itself and carries for others goes by the contact plan, as that of a cluster that flies. A member
 * knows at once what the platform was given.
 */
export class ModelledCluster implements FlyingCluster {
  readonly index: number;
  readonly agenda = new Agenda();
  readonly endMs: number;
  atMs = 0;
  readonly #setting: FleetSetting;
  readonly #kernels: Kernels;
  readonly #region: number;
  readonly #others: readonly number[];
  readonly #custody: Custody;
  readonly #carried = new TraceHash();
  readonly #ages: AgeCounts = new Map();
  /** By cluster: of when what the members know is, seconds. */
  readonly #known = new Map<number, number>();
  #contacts = 0;
  #composeMs: number;
  #giveMs = Number.POSITIVE_INFINITY;

  constructor(setting: FleetSetting, index: number, places: Places, kernels: Kernels) {
    this.index = index;
    this.endMs = Math.round(setting.scenario.days * msPerDay);
    this.#setting = setting;
    this.#kernels = kernels;
    const { region } = places.clusters[index];
    this.#region = region;
    this.#others = places.regions[region].clusters.filter((other) => other !== index).map(numberOf);
    this.#custody = new Custody({
      cluster: numberOf(index),
      place: { region, ...software },
      isSigned: () => true,
      read,
    });
    this.#composeMs = (numberOf(index) % (hourMs / 1000)) * 1000 + signedAfterMs;
    this.agenda.add(samplesOf(this.endMs, this.#others.length));
  }

  flyTo(timeMs: number): void {
    for (;;) {
      const nextMs = Math.min(this.#composeMs, this.#giveMs);
      if (nextMs > timeMs) break;
      if (nextMs === this.#composeMs) this.#compose();
      else this.#give();
    }
    this.atMs = timeMs;
  }

  #compose(): void {
    const round = (this.#composeMs - signedAfterMs) / 1000;
    this.#custody.send(0, encoded({ cluster: numberOf(this.index), region: this.#region, round }));
    this.#composeMs += hourMs;
  }

  #give(): void {
    const message = this.#custody.nextMessage();
    if (message !== null) {
      const { cluster, round } = read(message);
      this.#known.set(cluster, round);
    }
    this.#giveMs = this.#custody.isWaiting ? this.#giveMs + minuteMs : Number.POSITIVE_INFINITY;
  }

  framesFor(partner: number): Uint8Array[] {
    this.#contacts += 1;
    return this.#custody.framesFor(partner);
  }

  take(partner: number, frames: readonly Uint8Array[]): void {
    this.#carried.time(this.atMs);
    this.#carried.word(partner);
    for (const frame of frames) for (const byte of frame) this.#carried.word(byte);
    const waits = this.#custody.take(partner, frames);
    if (waits && this.#giveMs === Number.POSITIVE_INFINITY) this.#giveMs = this.atMs;
  }

  sample(): void {
    const members = this.#setting.sizes[this.index];
    for (const other of this.#others) {
      const round = this.#known.get(other);
      countAge(this.#ages, round === undefined ? -1 : this.atMs / 1000 - round, members);
    }
  }

  /** Draws what became of the cluster. */
  finish(): ClusterResult {
    const { days } = this.#setting.scenario;
    const nodes = this.#setting.sizes[this.index];
    const random = new RandomStream(seedOf(this.#setting, this.index), 'fleet/kernels');
    const disruptions = this.#kernels
      .drawDisruptions(random, nodes, days)
      .map((disruption) => ({ ...disruption, onsetS: 0 }));
    const drawn = this.#kernels.drawCluster(random, nodes);
    const share = (nodes * days) / (drawn.nodes * drawn.days);
    const scaled = (value: number) => Math.round(value * share);
    const hash = new TraceHash();
    hash.text(JSON.stringify([disruptions, drawn]));
    const drawnHash = hash.digest();
    const radio = { bytesPerNodeDay: drawn.bytesPerNodeDay, channelUse: drawn.channelUse };
    return {
      index: this.index,
      verdict: {
        ...{ traceHash: drawnHash, decisionHash: drawnHash, disruptions, checks: [] },
        firmware: { sha256: drawn.image, bytes: 0, contextBytes: 0 },
        membership: { falseDeaths: scaled(drawn.falseDeaths), lapsedLeases: scaled(drawn.lapsedLeases) },
        production: { achievableKg: drawn.achievableKg * share, actualKg: drawn.actualKg * share },
        radio: { framesSent: scaled(drawn.framesSent), framesLost: scaled(drawn.framesLost), ...radio },
        speed: { events: scaled(drawn.events) },
      },
      bound: { boundKg: drawn.boundKg * share, planKg: drawn.planKg * share },
      abroad: this.#custody.counts,
      carriedHash: this.#carried.digest(),
      contacts: this.#contacts,
      ages: this.#ages,
    };
  }
}
