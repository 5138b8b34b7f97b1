// Which key files are read, and which are refused; what finds keys, and what killed runs left.
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { inputBytesMax, readInputBytes } from '../../host/cli/input.ts';
import {
  type AuthorityFile,
  KeyFileError,
  type KeyEpochFile,
  type NodeFile,
  readKeyFile,
  readKeyFileOf,
} from '../../host/store/keys/file.ts';
import { exists, ExistsError, openFolderWarning, writeBytes } from '../../host/store/keys/folder.ts';
import { keyEpochsOf } from '../../host/store/keys/issued.ts';
import { readKeyring } from '../../host/store/keys/keyring.ts';
import {
  initCluster,
  KeyOrderError,
  nextKeyEpoch,
  readCluster,
  writeNodeFile,
} from '../../host/store/keys/keystore.ts';
import { leftovers, leftoversBeside, removeLeftovers } from '../../host/store/keys/leftovers.ts';
import { inFolder } from './support.ts';

const mebibyte = 2 ** 20;
const root = 'ab'.repeat(32);
const fleetText = (changes: object = {}) => JSON.stringify({ kind: 'heliograph fleet', version: 1, root, ...changes });

function written(folder: string, text: string, mode = 0o600): string {
  const path = join(folder, 'key.json');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function refusal(read: () => unknown, kind: new (...words: never[]) => Error = KeyFileError): string {
  try {
    read();
  } catch (error) {
    assert.instance(error, kind);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

/** A fleet with cluster 7 of four members, and the bundle of member 2. */
function inFleet(use: (fleet: string, bundle: string) => void): Promise<void> {
  return inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    initCluster(fleet, { cluster: 7, members: 4, region: 0 });
    use(fleet, writeNodeFile(fleet, 7, 2));
  });
}

test('a key file has at most 1 MiB: a larger one is refused by its size, and not read', () =>
  inFolder((folder) => {
    const padded = fleetText().padEnd(mebibyte, ' ');
    assert.is(readKeyFile(written(folder, padded)).kind, 'heliograph fleet');
    const path = written(folder, `${padded} `);
    assert.is(
      refusal(() => readKeyFile(path)),
      `${path}: 1048577 bytes are no key file`,
    );
    // As large as a disk, and without a block on it.
    truncateSync(path, 2 ** 40);
    assert.match(
      refusal(() => readKeyFile(path)),
      /1099511627776 bytes are no key file/,
    );
  }));

test('a bundle of key epochs has at most 1 MiB: a larger one ends with exit code 3, its name and the limit', () =>
  inFolder((folder) => {
    const path = written(folder, '');
    truncateSync(path, mebibyte);
    assert.is(readInputBytes(path, inputBytesMax.bundle).length, mebibyte);
    truncateSync(path, mebibyte + 1);
    const message = `${path}: 1048577 bytes are more than such an input may have (1048576 bytes)`;
    const read = () => readInputBytes(path, inputBytesMax.bundle);
    assert.is(refusal(read, CommandError), message);
    assert.throws(read, (error: CommandError) => error.code === exitCode.input);
  }));

test('a key file that anyone but its owner may use in any way is not read', () =>
  inFolder((folder) => {
    for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
      const path = written(folder, fleetText(), 0o600 | bit);
      const mode = (0o600 | bit).toString(8);
      assert.match(
        refusal(() => readKeyFile(path)),
        new RegExp(`others may use it \\(mode ${mode}\\).*chmod 600`),
      );
    }
    assert.is(readKeyFile(written(folder, fleetText(), 0o400)).kind, 'heliograph fleet');
  }));

test('a file that is none, is not there, or is a folder is refused by name, without its content', () =>
  inFolder((folder) => {
    assert.match(
      refusal(() => readKeyFile(join(folder, 'absent.json'))),
      /absent\.json: cannot be read: no such file/,
    );
    const path = written(folder, `${root} is no JSON`);
    assert.is(
      refusal(() => readKeyFile(path)),
      `${path}: is no JSON; a key file is written by heliograph keys`,
    );
    assert.match(
      refusal(() => readKeyFile(join(path, 'below'))),
      /cannot be read: no such file/,
    );
    const below = join(folder, 'below');
    mkdirSync(below, { mode: 0o700 });
    assert.match(
      refusal(() => readKeyFile(below)),
      /cannot be read: it is a folder/,
    );
  }));

test('every field of a key file is checked, and the message names the place and no secret', () =>
  inFolder((folder) => {
    const wrong: [object, RegExp][] = [
      [{ kind: 'heliograph other' }, / at kind /],
      [{ version: 2 }, / at version /],
      [{ root: root.slice(2) }, / at root /],
      [{ root: `${root}ab` }, / at root /],
      [{ root: root.toUpperCase() }, / at root /],
      [{ root: undefined }, / at root /],
      [{ more: 1 }, /of this version \(unrecognized_keys\)/],
    ];
    for (const [changes, place] of wrong) {
      const message = refusal(() => readKeyFile(written(folder, fleetText(changes))));
      assert.match(message, place);
      assert.not.match(message.toLowerCase(), root.slice(0, 8));
    }
  }));

test('numbers of a bundle are checked against what a cluster can have', () =>
  inFleet((fleet, bundle) => {
    const whole = JSON.parse(readFileSync(bundle, 'utf8'));
    const judged = (changes: object) => () => readKeyFile(written(fleet, JSON.stringify({ ...whole, ...changes })));
    assert.is((judged({})() as NodeFile).id, 2);
    const wrong: object[] = [
      ...[{ cluster: 65_536 }, { cluster: -1 }, { id: 256 }, { id: 1.5 }, { members: 0 }, { members: 257 }],
      ...[{ path: whole.path.slice(1) }, { path: [...whole.path, whole.path[0]] }, { roster: [] }],
      ...[{ secrets: [0, 1, 2].map(() => whole.secrets[0]) }, { secrets: [{ ...whole.secrets[0], epoch: 0 }] }],
    ];
    for (const changes of wrong) refusal(judged(changes));
    for (const changes of [{ cluster: 65_535 }, { id: 255 }, { members: 256 }, { secrets: [] }]) judged(changes)();
  }));

test('a file of another kind than the wanted one is refused', () =>
  inFolder((folder) => {
    const path = written(folder, fleetText());
    assert.is(readKeyFileOf(path, 'heliograph fleet').kind, 'heliograph fleet');
    assert.match(
      refusal(() => readKeyFileOf(path, 'heliograph node')),
      /is a heliograph fleet file, a heliograph node file is wanted/,
    );
  }));

test('a keyring holds the link keys of every file below a fleet, and of each alone', () =>
  inFleet((fleet, bundle) => {
    const described = (path: string) => readKeyring(path).describe();
    const cluster = join(fleet, 'cluster-7');
    for (const path of [fleet, cluster, bundle]) assert.is(described(path), 'cluster 7: key epochs 0, 1');
    assert.is(described(join(cluster, 'authority.json')), 'cluster 7: key epochs 0');
    assert.is(described(join(cluster, 'epoch-1.json')), 'cluster 7: key epochs 1');
    for (const path of [join(fleet, 'fleet.json'), join(fleet, 'issued')])
      assert.match(
        refusal(() => readKeyring(path)),
        /holds no link key: give a fleet's or cluster's folder/,
      );
    assert.match(
      refusal(() => readKeyring(join(fleet, 'absent'))),
      /absent: no such file or folder/,
    );
    const link = readKeyring(bundle).link();
    const key = (of: { cluster: number; keyEpoch: number }) =>
      link.keyOf({ ...of, sender: 0, addressee: 0, counter: 1 });
    assert.is(key({ cluster: 7, keyEpoch: 1 })?.length, 32);
    assert.equal([key({ cluster: 7, keyEpoch: 2 }), key({ cluster: 8, keyEpoch: 1 })], [null, null]);
  }));

test('all members of a cluster and its authority derive the same link keys', () =>
  inFleet((fleet, bundle) => {
    const keys = (path: string) => {
      const link = readKeyring(path).link();
      return [0, 1].map((keyEpoch) => link.keyOf({ cluster: 7, keyEpoch, sender: 0, addressee: 0, counter: 1 }));
    };
    assert.equal(keys(bundle), keys(join(fleet, 'cluster-7')));
    assert.equal(keys(bundle), keys(writeNodeFile(fleet, 7, 3)));
    assert.not.equal(keys(bundle)[0], keys(bundle)[1]);
  }));

test('a cluster’s folder under another number, and a key epoch’s file under another, are refused', () =>
  inFleet((fleet) => {
    const cluster = join(fleet, 'cluster-7');
    const authority = readKeyFile(join(cluster, 'authority.json')) as AuthorityFile;
    assert.equal([authority.cluster, authority.region, authority.members.length], [7, 0, 4]);
    mkdirSync(join(fleet, 'cluster-8'), { mode: 0o700 });
    for (const name of ['authority.json', 'epoch-1.json'])
      writeFileSync(join(fleet, 'cluster-8', name), readFileSync(join(cluster, name)), { mode: 0o600 });
    assert.match(
      refusal(() => readCluster(fleet, 8)),
      /cluster-8: holds the keys of cluster 7/,
    );
    assert.match(
      refusal(() => readCluster(fleet, 9)),
      /cluster-9: no such cluster: heliograph keys init makes one/,
    );
    writeFileSync(join(cluster, 'epoch-2.json'), readFileSync(join(cluster, 'epoch-1.json')), { mode: 0o600 });
    assert.match(
      refusal(() => readCluster(fleet, 7)),
      /epoch-2\.json: holds key epoch 1/,
    );
  }));

test('a record of another cluster or key epoch under a name is refused', () =>
  inFleet((fleet) => {
    const record = (name: string) => join(fleet, 'issued', `${name}.json`);
    const copied = (name: string) =>
      writeFileSync(record(name), readFileSync(record('cluster-7-epoch-1')), { mode: 0o600 });
    copied('cluster-8-epoch-1');
    assert.match(
      refusal(() => keyEpochsOf(fleet, 8)),
      /cluster-8-epoch-1\.json: is the record of key epoch 1 of cluster 7/,
    );
    copied('cluster-7-epoch-2');
    assert.match(
      refusal(() => keyEpochsOf(fleet, 7)),
      /cluster-7-epoch-2\.json: is the record of key epoch 1 of cluster 7/,
    );
  }));

test('key epochs are listed by their numbers, and the newest is the one with the highest', () =>
  inFleet((fleet) => {
    for (let epoch = 2; epoch <= 11; epoch += 1) nextKeyEpoch(fleet, 7, { exclude: [] });
    const { made, issued, newest, record, flaw } = keyEpochsOf(fleet, 7);
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    assert.equal([made, issued], [numbers, numbers]);
    assert.equal([newest?.epoch, record?.epoch, flaw], [11, 11, null]);
  }));

test('a bundle is for a member, once, with the keys that it needs and no others', () =>
  inFleet((fleet, bundle) => {
    const file = readKeyFile(bundle) as NodeFile;
    const { secret, epoch } = readKeyFile(join(fleet, 'cluster-7', 'epoch-1.json')) as KeyEpochFile;
    assert.equal([file.cluster, file.id, file.members], [7, 2, 4]);
    assert.equal(file.secrets, [{ epoch, startS: 0, secret }]);
    assert.equal(
      file.roster.map(({ id }) => id),
      [0, 1, 2, 3],
    );
    assert.equal(file.publicKey, file.roster[2].publicKey);
    assert.match(
      refusal(() => writeNodeFile(fleet, 7, 2), ExistsError),
      /is there already: keys are never overwritten; --out/,
    );
    assert.match(
      refusal(() => writeNodeFile(fleet, 7, 4), KeyOrderError),
      /4 is no member of cluster 7: ids run to 3/,
    );
  }));

test('files of keys are 0600 whatever the umask; a folder that others may look into is named', () =>
  inFolder((folder) => {
    for (const umask of [0, 0o377]) {
      const before = process.umask(umask);
      const path = join(folder, `file-${umask}`);
      try {
        writeBytes(path, Uint8Array.of(1));
      } finally {
        process.umask(before);
      }
      assert.is(statSync(path).mode & 0o777, 0o600);
      assert.is(exists(path), true);
    }
    assert.is(exists(join(folder, 'absent')), false);
    chmodSync(folder, 0o700);
    assert.is(openFolderWarning(folder), null);
    for (const mode of [0o710, 0o701]) {
      chmodSync(folder, mode);
      assert.match(openFolderWarning(folder) ?? '', new RegExp(`mode ${mode.toString(8)}\\): chmod 700`));
    }
    chmodSync(folder, 0o700);
  }));

test('what a killed run left is found by its name, in a fleet, its clusters and its records, and removed', () =>
  inFleet((fleet) => {
    const nowMs = Date.now();
    // No process has this number: Linux gives at most 2^22.
    const dead = 2 ** 22 + 1;
    const left = [
      `cluster-7/authority.json.${dead}`,
      `cluster-7/epoch-2.bundle.cbor.${dead}`,
      `cluster-7/node-0.json.${dead}`,
      `fleet.json.${dead}`,
      `issued/cluster-7-epoch-2.json.${dead}`,
    ].map((name) => join(fleet, name));
    const own = join(fleet, `fleet.json.${process.pid}`);
    const others = [`notes.json.${dead}`, 'fleet.json.old', `elsewhere/fleet.json.${dead}`].map((name) =>
      join(fleet, name),
    );
    const running = join(fleet, 'fleet.json.1');
    mkdirSync(join(fleet, 'elsewhere'));
    mkdirSync(join(fleet, `cluster-8.${dead}`));
    for (const path of [...left, own, ...others, running]) writeFileSync(path, 'secret');
    const found = [...left, own, join(fleet, `cluster-8.${dead}`)].sort();
    assert.equal(leftovers(fleet, nowMs).sort(), found, 'process 1 runs');
    const hourAgo = nowMs / 1000 - 3601;
    for (const path of [running, ...others, join(fleet, 'fleet.json')]) utimesSync(path, hourAgo, hourAgo);
    assert.equal(leftovers(fleet, nowMs).sort(), [...found, running].sort(), 'no run takes an hour');
    removeLeftovers(leftovers(fleet, nowMs));
    assert.equal(leftovers(fleet, nowMs), []);
    for (const path of [...others, join(fleet, 'fleet.json')]) assert.ok(exists(path), path);
    assert.equal(leftovers(join(fleet, 'absent'), nowMs), []);
  }));

test('what a killed run left beside a file that it wrote elsewhere is found by that file’s name', () =>
  inFolder((folder) => {
    const dead = 2 ** 22 + 1;
    for (const name of [`out.json.${dead}`, `out.json.${dead}.bak`, `other.json.${dead}`, 'out.json'])
      writeFileSync(join(folder, name), '');
    assert.equal(leftoversBeside(join(folder, 'out.json'), Date.now()), [join(folder, `out.json.${dead}`)]);
  }));

test.run();
