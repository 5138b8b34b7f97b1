// Configurations that are refused at boot.

import { encodeMessage, joinBytes } from '../../../host/cbor/message.ts';
import { recordsAt } from '../fuzz/steps.ts';
import type { Negative } from './cases.ts';
import { type AttackBench, nowS } from './bench.ts';
import { array, bytesItem, uint } from './spoiled_messages.ts';
import { testKeys } from '../sealed.ts';

function booted(name: string, status: Negative['status'], config: (bench: AttackBench) => Uint8Array): Negative {
  return { name: `boot: ${name}`, entry: 'boot', status, counter: null, make: (bench) => [config(bench)] };
}
const secret = (more: Partial<{ keyEpoch: number; secret: Uint8Array }>) =>
  encodeMessage({ name: 'link-secret', keyEpoch: 1, startS: 0, secret: new Uint8Array(32), ...more });
const after = (bench: AttackBench, ...rest: Uint8Array[]) =>
  joinBytes([bench.config({ secrets: [], path: [] }), ...rest]);
const key = (node: number) => encodeMessage({ name: 'path-key', node, key: testKeys.authority.pathKey(node) });
export const bootCases: readonly Negative[] = [
  booted('nothing', 'malformed', () => new Uint8Array(0)),
  booted('zeros', 'malformed', () => new Uint8Array(100)),
  booted('cut off within the configuration', 'malformed', (bench) => bench.config().slice(0, 30)),
  booted('cut off within the last key', 'malformed', (bench) => bench.config().slice(0, -1)),
  booted('a byte behind the last key', 'malformed', (bench) => Buffer.concat([bench.config(), Uint8Array.of(0)])),
  booted('the first beyond the members', 'implausible', (bench) => bench.config(undefined, { self: bench.members })),
  booted('itself 65535', 'implausible', (bench) => bench.config(undefined, { self: 65535 })),
  booted('a boot more than can be', 'implausible', (bench) => bench.config(undefined, {}, { incarnation: 8192 })),
  booted('the secret of key epoch 0', 'implausible', (bench) => after(bench, secret({ keyEpoch: 0 }))),
  booted('the secret of key epoch 65535', 'implausible', (bench) => after(bench, secret({ keyEpoch: 65535 }))),
  booted('a secret one byte short', 'malformed', (bench) =>
    after(bench, array(uint(137), uint(1), uint(0), bytesItem(new Uint8Array(31)))),
  ),
  booted('a secret one byte long', 'malformed', (bench) =>
    after(bench, array(uint(137), uint(1), uint(0), bytesItem(new Uint8Array(33)))),
  ),
  booted('a secret that is text', 'malformed', (bench) =>
    after(bench, array(uint(137), uint(1), uint(0), Buffer.concat([Uint8Array.of(0x78, 32), new Uint8Array(32)]))),
  ),
  booted('the key of another’s leaf', 'implausible', (bench) => after(bench, key(257))),
  booted('the key of a node beside the path', 'implausible', (bench) => after(bench, key(3))),
  booted('the key of the last leaf', 'implausible', (bench) => after(bench, key(511))),
  booted('the key of node 0', 'malformed', (bench) =>
    after(bench, array(uint(138), uint(0), bytesItem(new Uint8Array(32)))),
  ),
  booted('the key of node 512', 'malformed', (bench) =>
    after(bench, array(uint(138), uint(512), bytesItem(new Uint8Array(32)))),
  ),
  booted('a path key one byte short', 'malformed', (bench) =>
    after(bench, array(uint(138), uint(1), bytesItem(new Uint8Array(31)))),
  ),
  booted('a path key one byte long', 'malformed', (bench) =>
    after(bench, array(uint(138), uint(1), bytesItem(new Uint8Array(33)))),
  ),
  booted('a second configuration', 'malformed', (bench) => after(bench, bench.config({ secrets: [], path: [] }))),
  booted('a message of the air behind the configuration', 'malformed', (bench) =>
    after(bench, encodeMessage({ name: 'probe', sequence: 1 })),
  ),
  booted('an observation behind the configuration', 'malformed', (bench) =>
    after(bench, encodeMessage(recordsAt(nowS)[0])),
  ),
  booted('an unknown record behind the configuration', 'malformed', (bench) => after(bench, array(uint(200), uint(1)))),
  booted('group 32', 'malformed', (bench) =>
    after(bench, array(uint(129), uint(32), uint(1), uint(1), uint(1), uint(1), uint(1))),
  ),
  booted('keys without a configuration', 'malformed', () => joinBytes([secret({}), key(1)])),
];
