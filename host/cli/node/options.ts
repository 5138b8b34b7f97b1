import { join } from 'node:path';
import type { Preset } from '../../build/root.ts';
import type { Group } from '../../cbor/generated.ts';
import type { EngineName } from '../../engine/names.ts';
import type { NodeConfig } from '../../platform/config.ts';
import type { TimeSource } from '../../node/wall_fallback.ts';
import { CommandError, exitCode } from '../exit.ts';

export interface NodeOptions {
  keys?: string;
  uplink?: string;
  id: number;
  cluster: number;
  members: number;
  radio: string;
  timeScale: number;
  epoch?: string;
  clock: TimeSource;
  state?: string;
  scenario: string;
  seed: number;
  preset: Preset;
  engine: EngineName;
  json?: boolean;
}

/**
 * Checks that what a node cannot do without is given. The parser does not: `node status` and others
 * need none of it. Throws CommandError (2).
 */
export function requiredOptions(given: Partial<NodeOptions>): NodeOptions {
  for (const name of ['id', 'cluster', 'members', 'radio'] as const)
    if (given[name] === undefined)
      throw new CommandError(`required option '--${name}' not specified (node --help says more)`, exitCode.usage);
  return given as NodeOptions;
}

/** Folder of a member's state, in the folder of --state. */
export function stateFolder(state: string, id: number): string {
  return join(state, `node-${id}`);
}

/** Holds a member's place in a scenario's world: its capabilities, and the resources around it. */
export interface NodePlace {
  config: NodeConfig;
  groups: Group[];
}

export type PlaceRequest = Pick<NodeOptions, 'scenario' | 'preset' | 'cluster' | 'id' | 'members' | 'seed'>;
export type FindPlace = (request: PlaceRequest) => Promise<NodePlace>;
