import { encodeMessage } from '../cbor/message.ts';
import type { Config, Group } from '../cbor/generated.ts';

/** What a boot needs to know besides the node's capabilities. */
export interface BootFacts {
  incarnation: number;
  timeKnown: boolean;
  /** Mission time at local time zero of this boot; ignored when not known. */
  missionMs: number;
  resets: number;
  alternateImage: boolean;
}

/** A node's capabilities and place, without what changes from boot to boot. */
export type NodeConfig = Omit<Config, 'name' | 'incarnation' | 'timeKnown' | 'timeS' | 'timeMs' | 'resets' | 'image'>;

/** The configuration block that `boot` and `restore` take: one `config` record, then `group` records. */
export function encodeConfig(config: NodeConfig, groups: readonly Group[], facts: BootFacts): Uint8Array {
  const record = encodeMessage({
    ...config,
    name: 'config',
    incarnation: facts.incarnation & 0xffff,
    timeKnown: facts.timeKnown ? 1 : 0,
    timeS: facts.timeKnown ? Math.floor(facts.missionMs / 1000) : 0,
    timeMs: facts.timeKnown ? facts.missionMs % 1000 : 0,
    resets: Math.min(facts.resets, 255),
    image: facts.alternateImage ? 1 : 0,
  });
  return Buffer.concat([record, ...groups.map((group) => encodeMessage(group))]);
}
