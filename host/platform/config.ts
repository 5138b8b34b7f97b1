import { encodeMessage } from '../cbor/message.ts';
import { BOOT_CAUSE, type Config, type Group, type Place } from '../cbor/generated.ts';
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

const keyless: LinkKeys = { secrets: [], path: [] };

/** A node's capabilities and place, without what changes from boot to boot. */
export type NodeConfig = Omit<
  Config,
  'name' | 'incarnation' | 'timeKnown' | 'timeS' | 'timeMs' | 'resets' | 'image' | 'reserved' | 'ownerRateMax'
> &
  Partial<Pick<Config, 'ownerRateMax'>>;

/**
 * The configuration block that `boot` and `restore` take: one `config` record, then `group`
 * records, then keys, then the node's place in the federation.
 */
export function encodeConfig(
  config: NodeConfig,
  groups: readonly Group[],
  facts: BootFacts,
  keys: LinkKeys = keyless,
  place: Omit<Place, 'name'> | null = null,
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
    ...(place === null ? [] : [encodeMessage({ ...place, name: 'place' })]),
  ]);
}
