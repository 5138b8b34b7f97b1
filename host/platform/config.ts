import { encodeMessage } from '../cbor/message.ts';
import { BOOT_CAUSE, type Config, type Group, type Place, type Rota } from '../cbor/generated.ts';
import type { LinkKeys } from '../security/key_epoch.ts';

/** A first power-on and an alternate image trust no checkpoint. */
export function mayRestore(cause: number): boolean {
  return cause !== BOOT_CAUSE.powerOn && cause !== BOOT_CAUSE.alternateImage;
}

/** What a boot needs to know besides the node's capabilities. */
export interface BootFacts {
  incarnation: number;
  timeKnown: boolean;
  /** Mission time at local time zero of this boot; ignored when not known. */
  missionMs: number;
  resets: number;
  alternateImage: boolean;
  /** Counter up to which non-volatile memory holds a reservation; 0: none was ever made. */
  reserved: number;
}

const clustersMax = 8;
const keyless: LinkKeys = { secrets: [], path: [] };

/** A node's capabilities and place, without what changes from boot to boot. */
export type NodeConfig = Omit<
  Config,
  'name' | 'incarnation' | 'timeKnown' | 'timeS' | 'timeMs' | 'resets' | 'image' | 'reserved' | 'ownerRateMax'
> &
  Partial<Pick<Config, 'ownerRateMax'>>;

/** A node's place in the federation, and the rotas of what its cluster shares with others. */
export type NodePlace = Omit<Place, 'name'> & { rotas?: readonly SharedUnit[] };

/** A unit, or a whole group (unit 0), and the clusters that use it, in the order of their terms. */
export interface SharedUnit {
  group: number;
  unit: number;
  clusters: readonly number[];
}

/** Rota of a shared unit. Throws RangeError unless there are 1 to 8 clusters. */
export function rotaOf({ group, unit, clusters }: SharedUnit): Rota {
  if (clusters.length < 1 || clusters.length > clustersMax)
    throw new RangeError(`a rota has 1 to ${clustersMax} clusters, not ${clusters.length}`);
  const bytes = Buffer.alloc(2 * clusters.length);
  for (const [index, cluster] of clusters.entries()) bytes.writeUInt16BE(cluster, 2 * index);
  return { name: 'rota', group, unit, clusters: bytes };
}

/**
 * The configuration block that `boot` and `restore` take: one `config` record, then `group`
 * records, then keys, then the node's place in the federation and its rotas.
 */
export function encodeConfig(
  config: NodeConfig,
  groups: readonly Group[],
  facts: BootFacts,
  keys: LinkKeys = keyless,
  federation: NodePlace | null = null,
): Uint8Array {
  const record = encodeMessage({
    ...config,
    name: 'config',
    incarnation: facts.incarnation & 0xffff,
    timeKnown: facts.timeKnown ? 1 : 0,
    timeS: facts.timeKnown ? Math.floor(facts.missionMs / 1000) : 0,
    timeMs: facts.timeKnown ? facts.missionMs % 1000 : 0,
    resets: Math.min(facts.resets, 255),
    image: facts.alternateImage ? 1 : 0,
    reserved: facts.reserved,
    ownerRateMax: config.ownerRateMax ?? 0,
  });
  return Buffer.concat([
    record,
    ...groups.map((group) => encodeMessage(group)),
    ...keys.secrets.map((secret) => encodeMessage({ ...secret, name: 'link-secret' })),
    ...keys.path.map((key) => encodeMessage({ ...key, name: 'path-key' })),
    ...federationRecords(federation),
  ]);
}

function federationRecords(federation: NodePlace | null): Uint8Array[] {
  if (federation === null) return [];
  const { rotas = [], ...place } = federation;
  return [encodeMessage({ ...place, name: 'place' }), ...rotas.map((shared) => encodeMessage(rotaOf(shared)))];
}
