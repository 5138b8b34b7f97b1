import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder } from '../host/support.ts';
import { run, shortFlight } from './run.ts';

const node = ['node', '--id', '0', '--cluster', '1', '--members', '2', '--radio'];

/** Arguments, exit code, and what the message says. */
type Refusal = readonly [args: readonly string[], status: number, reason: RegExp];

const wrongUsage: Refusal[] = [
  [['fly'], 2, /unknown command/],
  [['sim'], 2, /missing required argument/],
  [[...shortFlight, '--seed', 'x'], 2, /--seed is 'x'/],
  [['sim', 'quiet', '--nodes', '100', '--preset', 'compact'], 2, /--nodes: 100 do not fit/],
  [[...shortFlight, '--simulate-boards'], 2, /--simulate-boards selects nothing: quiet has no boards/],
  [[...shortFlight, '--upset-scale', '2'], 2, /--upset-scale: quiet has no upsets to multiply/],
  [[...shortFlight, '--unprotected', '--image', 'fleet'], 2, /--unprotected and --image fleet are two images/],
  [['sim', 'storm-s5', '--image', 'fleet'], 2, /storm-s5 has upsets, and this image has no protection/],
  [['sim', 'mixed-hardware', '--image', 'fleet'], 2, /mixed-hardware has boards, which refuse an image with the null/],
  [
    ['sim', 'quiet', '--nodes', '9', '--preset', 'compact', '--image', 'fleet'],
    2,
    /--image fleet is an image of preset flight, not of compact/,
  ],
  [['swarm', '--seeds', '0'], 2, /--seeds is '0', not a whole number from 1/],
  [['swarm', '--resume'], 2, /--resume continues a file: name it with --out/],
  [['deaths', '--flights', '0'], 2, /--flights 0 selects nothing/],
  [['inject', '--unprotected', '--baseline', '5'], 2, /--baseline selects nothing with --unprotected/],
  [['board', 'run', 'm7', '--node', '16'], 2, /--node 16 selects nothing: nodes are 0 to 15/],
  [['scenario', 'new', '--from', 'quit'], 2, /--from 'quit' is no shipped scenario: cluster-neo/],
  [['contacts', '--clusters', '601'], 2, /--clusters is '601', not a whole number from 1 to 600/],
  [['contacts', '--period', '9'], 2, /--period is '9', not a whole number from 10 to 1440/],
  [['contacts', '--period', '50'], 2, /--period 50 does not divide a day: give a divisor of 1440, as 20, 30 or 60/],
  [['completion', 'tcsh'], 2, /Allowed choices are bash, zsh, fish/],
  [[...node, 'udp://10.0.0.1:4000', '--keys', 'simulated'], 2, /loopback interface only/],
  [[...node, 'udp://127.0.0.1:4000'], 2, /a node without keys neither sends nor receives: give --keys FILE/],
];

const wrongInput = (folder: string, bad: string): Refusal[] => [
  [['sim', 'quit'], 3, /no scenario 'quit'; shipped: cluster-neo/],
  [['sim', './none.yaml'], 3, /none\.yaml: cannot be read: no such file/],
  [['sim', folder], 3, /cannot be read: it is a folder/],
  [['sim', 'quiet', '--body', 'Benu'], 3, /did you mean \(101955\) Bennu/],
  [['scenario', 'check', bad], 3, /bad\.yaml:3:1 dayz: is not known \(did you mean days/],
  [['decode', '8'], 3, /1 hexadecimal digits/],
  [['decode', 'zz'], 3, /neither a file nor hexadecimal/],
  [['replay', folder], 3, /scenario\.yaml: cannot be read/],
  [[...node, 'udp://127.0.0.1:4000', '--keys', './none.json'], 3, /none\.json: cannot be read: no such file/],
];

function assertRefused([args, status, reason]: Refusal): void {
  const result = run(...args);
  assert.is(result.status, status, `${args.join(' ')}: ${result.stderr}`);
  assert.match(result.stderr, reason);
  assert.is(result.stdout, '', args.join(' '));
}

test('wrong usage is 2; each message names what is wrong', () => wrongUsage.forEach(assertRefused));

test('wrong input is 3; each message names what is wrong', () =>
  inFolder((folder) => {
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'heliograph: 1\nname: x\ndayz: 3\n');
    wrongInput(folder, bad).forEach(assertRefused);
  }));

test('a file that is larger than such an input may be is refused before it is read', () =>
  inFolder((folder) => {
    const large = join(folder, 'large.yaml');
    writeFileSync(large, Buffer.alloc(17 << 20, 0x23));
    assertRefused([['sim', large], 3, /large\.yaml: 17825792 bytes are more than such an input may have \(262144/]);
    assertRefused([['decode', large], 3, /17825792 bytes are more than such an input may have \(1048576/]);
    assertRefused([['sim', '/dev/zero'], 3, /\/dev\/zero: it has more than such an input may have/]);
  }));

test.run();
