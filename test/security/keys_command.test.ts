import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import type { KeyEpochHead, KeyEpochPart } from '../../host/cbor/generated.ts';
import { decodeSequence } from '../../host/cbor/message.ts';
import { encodeFrame } from '../../host/security/frame.ts';
import { openPart, verifyHead } from '../../host/security/key_epoch.ts';
import { type KeyEpochFile, type KeyFile, type NodeFile, readKeyFile } from '../../host/store/keys/file.ts';
import { readKeyring } from '../../host/store/keys/keyring.ts';
import { inFolder } from '../host/support.ts';

const test = suite('keys');
const command = join(rootFolder, 'dist', 'heliograph.mjs');

/** All that any run has said, for the test that no secret is among it. */
let said = '';
/** Secrets of every file that any test has made. */
const secrets = new Set<string>();

function run(...args: string[]) {
  const result = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', cwd: rootFolder });
  said += result.stdout + result.stderr;
  return result;
}

function ok(...args: string[]): string {
  const { status, stdout, stderr } = run(...args);
  assert.is(status, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

function collect(file: KeyFile): void {
  const hex = (bytes: Uint8Array) => secrets.add(Buffer.from(bytes).toString('hex'));
  if (file.kind === 'heliograph fleet') hex(file.root);
  if (file.kind === 'heliograph authority') hex(file.clusterKey);
  if (file.kind === 'heliograph epoch') hex(file.secret);
  if (file.kind !== 'heliograph node') return;
  hex(file.seed);
  for (const { key } of file.path) hex(key);
  for (const { secret } of file.secrets) hex(secret);
}

function keyFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.json'));
}

/** A fleet with cluster 7 of `members`, and what `use` does with it; its secrets are remembered. */
async function inFleet(members: number, use: (fleet: string) => void | Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const fleet = join(folder, 'fleet');
    ok('keys', 'init', fleet, '--cluster', '7', '--members', String(members));
    await use(fleet);
    for (const path of keyFiles(fleet)) {
      try {
        collect(readKeyFile(path));
      } catch {
        // One that a test has spoilt.
      }
    }
  });
}

const cluster = (fleet: string) => join(fleet, 'cluster-7');
const keyEpochFile = (fleet: string, epoch: number) =>
  readKeyFile(join(cluster(fleet), `epoch-${epoch}.json`)) as KeyEpochFile;
const nodeFile = (fleet: string, id: number) => readKeyFile(join(cluster(fleet), `node-${id}.json`)) as NodeFile;

function bundle(fleet: string, epoch: number): { head: KeyEpochHead; parts: KeyEpochPart[] } {
  const [head, ...parts] = decodeSequence(readFileSync(join(cluster(fleet), `epoch-${epoch}.bundle.cbor`)));
  return { head: head as KeyEpochHead, parts: parts as KeyEpochPart[] };
}

/** What a member makes of a bundle: the secret, or null. */
function opened(fleet: string, id: number, epoch: number): Uint8Array | null {
  const { path, authorityPublicKey } = nodeFile(fleet, id);
  const { head, parts } = bundle(fleet, epoch);
  if (!verifyHead(authorityPublicKey, 7, head)) return null;
  const keys = new Map(path.map(({ node, key }) => [node, key]));
  return parts.map((part) => openPart(keys, 7, head, part)).find((secret) => secret !== null) ?? null;
}

test('after `keys epoch` and `keys revoke` remaining members open the new key epoch, excluded ones do not', () =>
  inFleet(12, (fleet) => {
    for (const id of ['3', '4', '11']) ok('keys', 'node', fleet, '--cluster', '7', '--id', id);
    assert.equal(
      nodeFile(fleet, 3).secrets.map(({ epoch }) => epoch),
      [1],
    );
    ok('keys', 'epoch', fleet, '--cluster', '7', '--start-s', '1000');
    for (const id of [3, 4, 11]) assert.equal(opened(fleet, id, 2), keyEpochFile(fleet, 2).secret);
    const revoked = JSON.parse(
      ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '3', '--start-s', '2000', '--json'),
    );
    assert.equal([revoked.epoch, revoked.excluded, revoked.members], [3, [3], 11]);
    assert.is(opened(fleet, 3, 3), null);
    for (const id of [4, 11]) assert.equal(opened(fleet, id, 3), keyEpochFile(fleet, 3).secret);
    // A later key epoch keeps it out, and excludes others as well.
    ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '4', '--id', '0');
    assert.equal(keyEpochFile(fleet, 4).excluded, [0, 3, 4]);
    for (const id of [3, 4]) assert.is(opened(fleet, id, 4), null);
    assert.equal(opened(fleet, 11, 4), keyEpochFile(fleet, 4).secret);
    const late = JSON.parse(ok('keys', 'node', fleet, '--cluster', '7', '--id', '5', '--json'));
    assert.is(late.file, join(cluster(fleet), 'node-5.json'));
    assert.equal(
      nodeFile(fleet, 5).secrets.map(({ epoch }) => epoch),
      // Which is used at once: those that were to begin later are superseded.
      [4],
    );
    assert.match(
      run('keys', 'node', fleet, '--cluster', '7', '--id', '3', '--out', join(fleet, 'x.json')).stderr,
      /is excluded/,
    );
  }));

test('all files have mode 0600 and all folders 0700 under any umask', () =>
  inFleet(3, (fleet) => {
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '0');
    ok('keys', 'epoch', fleet, '--cluster', '7');
    const paths = readdirSync(fleet, { recursive: true, encoding: 'utf8' }).map((name) => join(fleet, name));
    assert.ok(paths.length >= 7);
    for (const path of [fleet, ...paths]) {
      const found = statSync(path);
      assert.is(found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600, path);
    }
  }));

test('two clusters of a fleet share its root and no other key', () =>
  inFleet(3, (fleet) => {
    const before = readFileSync(join(fleet, 'fleet.json'));
    ok('keys', 'init', fleet, '--cluster', '8', '--members', '3', '--region', '2');
    assert.ok(readFileSync(join(fleet, 'fleet.json')).equals(before));
    const keys = [7, 8].map((number) => readFileSync(join(fleet, `cluster-${number}`, 'authority.json'), 'utf8'));
    assert.is.not(JSON.parse(keys[0]).clusterKey, JSON.parse(keys[1]).clusterKey);
  }));

test('keys overwrites no file', () =>
  inFleet(3, (fleet) => {
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '0');
    const contents = () => keyFiles(fleet).map((path) => readFileSync(path, 'utf8'));
    const before = contents();
    for (const words of [
      ['init', fleet, '--cluster', '7', '--members', '4'],
      ['node', fleet, '--cluster', '7', '--id', '0'],
      ['node', fleet, '--cluster', '7', '--id', '1', '--out', join(fleet, 'fleet.json')],
    ]) {
      const { status, stderr } = run('keys', ...words);
      assert.is(status, 2, words.join(' '));
      assert.match(stderr, /is there already: keys are never overwritten/);
    }
    assert.equal(contents(), before);
    const out = join(fleet, 'again.json');
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '0', '--out', out);
    assert.is(readFileSync(out, 'utf8'), readFileSync(join(cluster(fleet), 'node-0.json'), 'utf8'));
  }));

test('orders that contradict the cluster are refused and make no key epoch', () =>
  inFleet(3, (fleet) => {
    ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '1', '--start-s', '500');
    for (const [words, status, reason] of [
      [['revoke', fleet, '--cluster', '7', '--id', '1'], 2, /member 1 is excluded already/],
      [['revoke', fleet, '--cluster', '7', '--id', '3'], 2, /3 is no member of cluster 7: ids run to 2/],
      [['revoke', fleet, '--cluster', '7', '--id', '0', '--id', '2'], 2, /no member would be left/],
      [['revoke', fleet, '--cluster', '7', '--id', '200'], 2, /--id is '200'/],
      [['epoch', fleet, '--cluster', '7', '--start-s', '499'], 2, /epoch 2 begins at 500 s/],
      [['epoch', fleet, '--cluster', '7', '--number', '2'], 2, /the next has a greater number/],
      [['epoch', fleet, '--cluster', '9'], 3, /no such cluster/],
      [['node', fleet, '--cluster', '7', '--id', '1'], 2, /is excluded/],
      [['inspect', join(fleet, 'nothing')], 3, /no such file or folder/],
    ] as const) {
      const result = run('keys', ...words);
      assert.is(result.status, status, `${words.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, reason);
      assert.is(result.stdout, '');
    }
    assert.not.ok(existsSync(join(cluster(fleet), 'epoch-3.json')));
    ok('keys', 'epoch', fleet, '--cluster', '7', '--number', '40');
    assert.ok(existsSync(join(cluster(fleet), 'epoch-40.json')));
  }));

test('an exclusion that needs more parts than a head can count is refused and makes no key epoch', () =>
  inFleet(200, (fleet) => {
    const scattered = Array.from({ length: 12 }, (_, at) => ['--id', String(1 + at * 16)]).flat();
    const { status, stderr } = run('keys', 'revoke', fleet, '--cluster', '7', ...scattered);
    assert.is(status, 2);
    assert.match(stderr, /need \d+ parts, 32 are allowed/);
    assert.not.ok(existsSync(join(cluster(fleet), 'epoch-2.json')));
    ok('keys', 'revoke', fleet, '--cluster', '7', ...scattered.slice(0, 8));
  }));

test('concurrent runs keep every exclusion and make no key epoch number twice', () =>
  inFleet(30, async (fleet) => {
    const ids = [1, 4, 9, 16, 25, 28];
    const runs = ids.map(
      (id) =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, [
            command,
            'keys',
            'revoke',
            fleet,
            '--cluster',
            '7',
            '--id',
            String(id),
          ]);
          child.on('close', resolve);
        }),
    );
    assert.equal(
      await Promise.all(runs),
      ids.map(() => 0),
    );
    assert.equal(keyEpochFile(fleet, 7).excluded, ids);
    assert.not.ok(existsSync(join(cluster(fleet), 'epoch-8.json')));
    for (let epoch = 2; epoch <= 7; epoch += 1) {
      assert.is(keyEpochFile(fleet, epoch).excluded.length, epoch - 1);
      assert.equal(bundle(fleet, epoch).head.commitment, keyEpochFile(fleet, epoch).commitment);
    }
  }));

test('a run interrupted between a key epoch and its bundle loses nothing', () =>
  inFleet(5, (fleet) => {
    ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '2');
    const path = join(cluster(fleet), 'epoch-2.bundle.cbor');
    const whole = readFileSync(path);
    rmSync(path);
    // What a killed run leaves beside it.
    writeFileSync(join(cluster(fleet), 'epoch-3.json.4711'), '{"kind":', { mode: 0o600 });
    ok('keys', 'epoch', fleet, '--cluster', '7');
    assert.ok(readFileSync(path).equals(whole));
    assert.equal(keyEpochFile(fleet, 3).excluded, [2]);
    // Without the secret of a key epoch, no later key epoch is made.
    rmSync(join(cluster(fleet), 'epoch-3.json'));
    const { status, stderr } = run('keys', 'epoch', fleet, '--cluster', '7');
    assert.is(status, 3);
    assert.match(stderr, /epoch-3\.json is missing, but key epoch 3 was issued/);
    ok('keys', 'epoch', fleet, '--cluster', '7', '--number', '4');
    assert.equal(keyEpochFile(fleet, 4).excluded, [2]);
    assert.not.ok(existsSync(join(cluster(fleet), 'epoch-3.json')));
  }));

test('what a killed run left, perhaps with secrets, is named by inspect and removed by the next run', () =>
  inFleet(5, (fleet) => {
    // Larger than any process number.
    const dead = 2 ** 22 + 7;
    const [epoch, record] = [
      join(cluster(fleet), `epoch-9.json.${dead}`),
      join(fleet, 'issued', `cluster-7-epoch-9.json.${dead}`),
    ];
    const [root, partial] = [join(fleet, `fleet.json.${dead}`), join(fleet, `cluster-9.${dead}`)];
    const leave = () => {
      for (const path of [epoch, record, root]) writeFileSync(path, 'secret', { mode: 0o600 });
      mkdirSync(partial, { mode: 0o700 });
      writeFileSync(join(partial, 'authority.json'), 'secret', { mode: 0o600 });
    };
    const all = [epoch, record, root, partial].sort();
    // A run at the same time, and a file that is none of ours, stay.
    const [running, other] = [join(cluster(fleet), `epoch-8.json.${process.pid}`), join(fleet, 'notes.json.1')];
    for (const path of [running, other]) writeFileSync(path, '', { mode: 0o600 });
    for (const order of [
      ['init', fleet, '--cluster', '8', '--members', '2'],
      ['node', fleet, '--cluster', '7', '--id', '0'],
      ['epoch', fleet, '--cluster', '7'],
      ['revoke', fleet, '--cluster', '7', '--id', '1'],
    ]) {
      leave();
      assert.equal(JSON.parse(ok('keys', 'inspect', fleet, '--json')).leftovers.sort(), all);
      assert.match(ok('keys', 'inspect', fleet), /fleet\.json\.\d+:\s+left\s+by\s+a\s+killed\s+run/);
      const { status, stderr } = run('keys', ...order);
      assert.is(status, 0, stderr);
      for (const path of all) {
        assert.not.ok(existsSync(path), path);
        assert.ok(stderr.includes(`${path}: removed; a killed run had left it`), stderr);
      }
    }
    for (const path of [running, other]) assert.ok(existsSync(path), path);
    const out = join(fleet, 'for-3.json');
    writeFileSync(`${out}.${dead}`, 'secret', { mode: 0o600 });
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '3', '--out', out);
    assert.not.ok(existsSync(`${out}.${dead}`));
  }));

/** Starts a run and kills it after so many milliseconds; true if that was in the middle of it. */
function killed(afterMs: number, ...args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [command, ...args], { stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    child.on('close', (_, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL');
    });
  });
}

test('runs killed at any instant leave whole files or none, and the next run works', () =>
  inFolder(async (folder) => {
    const fleet = join(folder, 'fleet');
    // Whatever the speed of the machine: the first runs are killed before they begin, the last
    // after they are done.
    for (let afterMs = 50; !existsSync(cluster(fleet)); afterMs *= 1.3)
      await killed(afterMs, 'keys', 'init', fleet, '--cluster', '7', '--members', '200');
    let made = 1;
    for (let afterMs = 50, kills = 0; made < 4 && kills < 40; kills += 1) {
      const wasKilled = await killed(afterMs, 'keys', 'revoke', fleet, '--cluster', '7', '--id', String(10 + kills));
      afterMs = wasKilled ? afterMs * 1.2 : afterMs * 0.7;
      const epochs = keyFiles(cluster(fleet)).filter((path) => /epoch-\d+\.json$/.test(path));
      made = epochs.length;
      for (const path of epochs) assert.is(readKeyFile(path).kind, 'heliograph epoch');
      assert.is(keyEpochFile(fleet, made).excluded.length, made - 1);
    }
    assert.ok(made >= 2);
    ok('keys', 'epoch', fleet, '--cluster', '7');
    const names = readdirSync(fleet, { recursive: true, encoding: 'utf8' });
    assert.equal(
      names.filter((name) => /\.\d+(\/|$)/.test(name)),
      [],
    );
    for (let epoch = 1; epoch <= made + 1; epoch += 1)
      assert.equal(bundle(fleet, epoch).head.commitment, keyEpochFile(fleet, epoch).commitment);
  }));

test('a folder that cannot be written ends with exit code 4 and leaves no partial file', () =>
  inFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const { status, stderr } = run('keys', 'init', join(file, 'fleet'), '--cluster', '7', '--members', '3');
    assert.is(status, 4);
    assert.match(stderr, /cannot write .*: a file stands where a folder is needed/);
    // A limit of the size of files stands in for a full disk: the authority's file of 200 members
    // does not fit.
    const fleet = join(folder, 'fleet');
    const words = ['keys', 'init', fleet, '--cluster', '7', '--members', '200'].map((word) => `'${word}'`).join(' ');
    const full = spawnSync(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f 8; exec '${process.execPath}' '${command}' ${words}`],
      {
        encoding: 'utf8',
      },
    );
    assert.is(full.status, 4, full.stderr);
    assert.equal(readdirSync(fleet), ['fleet.json']);
    ok('keys', 'init', fleet, '--cluster', '7', '--members', '3');
  }));

test('keys rejects secrets that others may read, and names a folder that others may look into', () =>
  inFleet(3, (fleet) => {
    const path = join(cluster(fleet), 'authority.json');
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      chmodSync(path, mode);
      const { status, stderr } = run('keys', 'epoch', fleet, '--cluster', '7');
      assert.is(status, 3);
      assert.match(stderr, /others may use it \(mode 6\d\d\), so it is not read: chmod 600/);
    }
    chmodSync(path, 0o600);
    assert.not.ok(existsSync(join(cluster(fleet), 'epoch-2.json')));
    chmodSync(fleet, 0o755);
    const { status, stderr } = run('keys', 'epoch', fleet, '--cluster', '7');
    assert.is(status, 0);
    assert.match(stderr, /others may look into this folder \(mode 755\): chmod 700/);
  }));

test('a damaged key file is refused by name without quoting its content', () =>
  inFleet(3, (fleet) => {
    const path = join(cluster(fleet), 'authority.json');
    const text = readFileSync(path, 'utf8');
    const { clusterKey } = JSON.parse(text);
    for (const [spoilt, reason] of [
      [text.slice(0, -3), /is no JSON/],
      [text.replace('"version": 1', '"version": 2'), /of this version at version/],
      [text.replace(clusterKey, clusterKey.slice(2)), /of this version at clusterKey/],
      [text.replace(clusterKey, `${clusterKey.slice(2)}zz`), /of this version at clusterKey/],
      [text.replace('"kind": "heliograph authority"', '"kind": "heliograph fleet"'), /is no key file of this version/],
      [text.replace('"region": 0', `"region": "${clusterKey}"`), /of this version at region/],
      ['', /is no JSON/],
      ['[]', /is no key file/],
    ] as const) {
      writeFileSync(path, spoilt);
      const { status, stderr } = run('keys', 'epoch', fleet, '--cluster', '7');
      assert.is(status, 3, stderr);
      assert.match(stderr, reason);
      assert.match(stderr, /authority\.json/);
    }
    const other = join(cluster(fleet), 'epoch-1.json');
    cpSync(other, path);
    assert.match(
      run('keys', 'epoch', fleet, '--cluster', '7').stderr,
      /is a heliograph epoch file, a heliograph authority file is wanted/,
    );
  }));

test('inspect describes files as text and as JSON and reports a bundle with a wrong signature', () =>
  inFleet(5, (fleet) => {
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '4');
    ok('keys', 'revoke', fleet, '--cluster', '7', '--id', '2');
    const text = ok('keys', 'inspect', fleet);
    assert.match(text, /cluster-7\/node-4\.json: heliograph node/);
    assert.match(text, /excluded +2/);
    assert.match(text, /signature right/);
    const { files } = JSON.parse(ok('keys', 'inspect', fleet, '--json'));
    assert.is(files.length, 7);
    const path = join(cluster(fleet), 'epoch-2.bundle.cbor');
    const [about] = JSON.parse(ok('keys', 'inspect', path, '--json')).files;
    assert.equal([about.epochs[0].epoch, about.epochs[0].signature], [2, 'right']);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf(0x50) + 1] ^= 1;
    writeFileSync(path, bytes);
    assert.is(JSON.parse(ok('keys', 'inspect', path, '--json')).files[0].epochs[0].signature, 'WRONG');
    assert.is(run('keys', 'inspect', join(rootFolder, 'package.json')).status, 3);
    assert.is(run('keys', 'inspect', rootFolder).status, 3);
  }));

test('decode --keys opens a frame with the keys of a fleet, a cluster, a key epoch or a node', () =>
  inFleet(5, (fleet) => {
    ok('keys', 'node', fleet, '--cluster', '7', '--id', '4');
    ok('keys', 'epoch', fleet, '--cluster', '7');
    const link = readKeyring(fleet).link();
    const header = { cluster: 7, keyEpoch: 1, sender: 3, addressee: 65535, counter: 812 };
    const hexOf = (epoch: number) =>
      Buffer.from(encodeFrame({ ...header, keyEpoch: epoch }, [{ name: 'probe', sequence: 17 }], link)).toString('hex');
    for (const keys of [
      fleet,
      cluster(fleet),
      join(cluster(fleet), 'epoch-1.json'),
      join(cluster(fleet), 'node-4.json'),
    ]) {
      const shown = ok('decode', '--keys', keys, hexOf(1));
      assert.is(
        shown.split('\n')[0],
        '[1 /version/, 7 /cluster/, 1 /keyEpoch/, 3 /sender/, 65535 /addressee/, 812 /counter/] /header/',
      );
      assert.match(shown, /\[1 \/type: probe\/, 17 \/sequence\/]/);
    }
    const { header: found, messages, crc } = JSON.parse(ok('decode', '--json', '--keys', fleet, hexOf(2)));
    assert.equal([found.keyEpoch, messages, crc.right], [2, [{ name: 'probe', sequence: 17 }], true]);
    const bootstrap = Buffer.from(encodeFrame({ ...header, keyEpoch: 0 }, [bundle(fleet, 2).head], link)).toString(
      'hex',
    );
    assert.match(ok('decode', '--keys', join(cluster(fleet), 'node-4.json'), bootstrap), /type: key-epoch-head/);
    const altered = Buffer.from(hexOf(1), 'hex');
    altered[30] ^= 1;
    for (const [words, reason] of [
      [
        ['--keys', join(cluster(fleet), 'node-4.json'), hexOf(2)],
        /not opened: byte 10: no key for key epoch 2 .*node-4\.json holds keys of cluster 7: key epochs 0, 1\)/,
      ],
      [['--keys', fleet, altered.toString('hex')], /not opened: byte \d+: the tag is wrong/],
      [['--keys', join(fleet, 'none'), hexOf(1)], /none: no such file or folder/],
      [['--keys', join(fleet, 'fleet.json'), hexOf(1)], /holds no link key/],
    ] as const) {
      const result = run('decode', ...words);
      assert.is(result.status, 3, result.stderr);
      assert.match(result.stderr, reason);
    }
    assert.match(ok('decode', join(fleet, 'fleet.json')), /heliograph fleet\n {2}fingerprint/);
    mkdirSync(join(fleet, 'empty'));
    assert.is(run('decode', '--keys', join(fleet, 'empty'), hexOf(1)).status, 3);
    assert.match(ok('decode', hexOf(1)), /sealed, --keys opens them/);
  }));

test('no run printed a secret in any form, and the search finds a planted one', () => {
  assert.ok(secrets.size > 100);
  assert.ok(said.length > 10_000);
  const secretsIn = (text: string): string[] =>
    [...secrets].filter((hex) => {
      const bytes = Buffer.from(hex, 'hex');
      const forms = [
        hex,
        hex.toUpperCase(),
        bytes.toString('base64').slice(0, 42),
        bytes.toString('base64url').slice(0, 42),
        [...bytes].join(','),
      ];
      return forms.some((form) => text.includes(form));
    });
  assert.equal(secretsIn(said), []);
  assert.is(secretsIn(`${said} ${[...secrets][5]}`).length, 1);
});

test.run();
