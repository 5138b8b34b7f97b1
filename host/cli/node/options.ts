import type { Preset } from '../../build/root.ts';
import type { Group } from '../../cbor/generated.ts';
import type { EngineName } from '../../engine/names.ts';
import type { NodeConfig } from '../../platform/config.ts';

export interface NodeOptions {
  keys?: string;
  uplink?: string;
  id: number;
  cluster: number;
  members: number;
  radio: string;
  timeScale: number;
  epoch?: string;
  clock: 'auto' | 'wall' | 'peers';
  state?: string;
  scenario: string;
  seed: number;
  preset: Preset;
  engine: EngineName;
  json?: boolean;
}

/** Holds a member's place in a scenario's world: its capabilities, and the resources around it. */
export interface NodePlace {
  config: NodeConfig;
  groups: Group[];
}

export type PlaceRequest = Pick<NodeOptions, 'scenario' | 'preset' | 'cluster' | 'id' | 'members' | 'seed'>;
export type FindPlace = (request: PlaceRequest) => Promise<NodePlace>;
