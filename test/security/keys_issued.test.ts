// Continues a key folder only from its newest issued key epoch, even when that file is lost; an
// exclusion does not wait for a planned key epoch.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { bundlePath, keyEpochPath, keyEpochsOf } from '../../host/store/keys/issued.ts';
import { ExistsError } from '../../host/store/keys/folder.ts';
import { KeyFileError, type NodeFile, readKeyFile } from '../../host/store/keys/file.ts';
import {
  type KeyEpochOrder,
  initCluster,
  KeyOrderError,
  nextKeyEpoch,
  writeNodeFile,
} from '../../host/store/keys/keystore.ts';
import { inFolder } from '../host/support.ts';

const test = suite('issued');
const command = join(rootFolder, 'dist', 'heliograph.mjs');

const at = (fleet: string) => join(fleet, 'cluster-7');
const record = (fleet: string, epoch: number) => join(fleet, 'issued', `cluster-7-epoch-${epoch}.json`);
const change = (fleet: string, order: Partial<KeyEpochOrder> = {}) => nextKeyEpoch(fleet, 7, { exclude: [], ...order });
const revoke = (fleet: string, id: number, order: Partial<KeyEpochOrder> = {}) =>
  change(fleet, { exclude: [id], ...order });

/** Key epochs in the bundle that a member gets now. */
function given(fleet: string, id: number): number[] {
  const path = writeNodeFile(fleet, 7, id, join(fleet, `given-${id}.json`));
  const { secrets } = readKeyFile(path) as NodeFile;
  rmSync(path);
  return secrets.map(({ epoch }) => epoch);
}

function refused(order: () => unknown, kind: new (message: string) => Error, ...reasons: RegExp[]): void {
  let thrown: unknown = null;
  try {
    order();
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, kind);
  for (const reason of reasons) assert.match((thrown as Error).message, reason);
}

/** A fleet with cluster 7 of 8 members. */
function inFleet(use: (fleet: string) => void): Promise<void> {
  return inFolder((folder) => {
    const fleet = join(folder, 'fleet');
    initCluster(fleet, { cluster: 7, members: 8, region: 0 });
    use(fleet);
  });
}

const losses: [string, (fleet: string, old: string) => void][] = [
  ['the newest file is lost', (fleet) => rmSync(keyEpochPath(at(fleet), 3))],
  [
    'it and its bundle are lost',
    (fleet) => {
      rmSync(keyEpochPath(at(fleet), 3));
      rmSync(bundlePath(at(fleet), 3));
    },
  ],
  [
    'an old copy of the cluster came back',
    (fleet, old) => {
      rmSync(at(fleet), { recursive: true });
      cpSync(old, at(fleet), { recursive: true });
    },
  ],
];

for (const [name, lose] of losses) {
  test(`${name}: no key epoch or bundle is made until the operator says that no copy exists`, () =>
    inFleet((fleet) => {
      revoke(fleet, 3);
      const old = join(fleet, '..', 'old');
      cpSync(at(fleet), old, { recursive: true });
      revoke(fleet, 4);
      lose(fleet, old);
      const reasons = [
        /cluster-7\/epoch-3\.json is missing, but key epoch 3 was issued/,
        /Restore .*cluster-7 from its newest copy/,
        /--number 4/,
      ];
      refused(() => change(fleet), KeyFileError, ...reasons);
      refused(() => revoke(fleet, 5), KeyFileError, ...reasons);
      refused(() => given(fleet, 0), KeyFileError, ...reasons);
      refused(
        () => change(fleet, { number: 3 }),
        KeyOrderError,
        /epoch 3 is there or was: the next has a greater number/,
      );
      refused(() => revoke(fleet, 4, { number: 4 }), KeyOrderError, /member 4 is excluded already/);
      assert.not.ok(existsSync(keyEpochPath(at(fleet), 4)));
      const made = change(fleet, { number: 4 });
      assert.equal([made.epoch, made.startS, made.excluded], [4, 0, [3, 4]]);
      // From here on all is as ever.
      assert.equal(given(fleet, 0), [4]);
      refused(() => given(fleet, 4), KeyOrderError, /member 4 is excluded/);
      assert.equal(revoke(fleet, 5).excluded, [3, 4, 5]);
    }));
}

test('without the records the bundle still shows the loss and names the excluded members unknown', () =>
  inFleet((fleet) => {
    revoke(fleet, 3);
    rmSync(keyEpochPath(at(fleet), 2));
    rmSync(join(fleet, 'issued'), { recursive: true });
    refused(
      () => change(fleet),
      KeyFileError,
      /epoch-2\.json is missing.*epoch-2\.bundle\.cbor/,
      /name them again, with keys revoke/,
    );
    assert.equal(revoke(fleet, 3, { number: 3 }).excluded, [3]);
  }));

test('a lost newest key epoch is continued after its file is restored', () =>
  inFleet((fleet) => {
    revoke(fleet, 3);
    const kept = join(fleet, 'kept');
    cpSync(keyEpochPath(at(fleet), 2), kept);
    rmSync(keyEpochPath(at(fleet), 2));
    refused(() => change(fleet), KeyFileError);
    cpSync(kept, keyEpochPath(at(fleet), 2));
    assert.equal([change(fleet).epoch, given(fleet, 0)], [3, [2, 3]]);
  }));

test('a cluster that lost all key epochs goes on under a new one', () =>
  inFleet((fleet) => {
    revoke(fleet, 3);
    for (const epoch of [1, 2]) rmSync(keyEpochPath(at(fleet), epoch));
    refused(() => change(fleet), KeyFileError, /epoch-2\.json is missing/);
    assert.equal(change(fleet, { number: 3 }).excluded, [3]);
  }));

test('a cluster whose folder is lost is not made again under its number', () =>
  inFleet((fleet) => {
    const again = () => initCluster(fleet, { cluster: 7, members: 8, region: 0 });
    refused(again, ExistsError, /is there already/);
    rmSync(at(fleet), { recursive: true });
    refused(again, KeyFileError, /cluster-7 is missing, but cluster 7 was made here/, /remove .*issued\/cluster-7-\*/);
    assert.not.ok(existsSync(at(fleet)));
    initCluster(fleet, { cluster: 8, members: 3, region: 0 });
    rmSync(record(fleet, 1));
    again();
    assert.ok(existsSync(record(fleet, 1)));
  }));

test('the next run completes one interrupted after the key epoch or its record; a repeat says what to send', () =>
  inFleet((fleet) => {
    revoke(fleet, 3);
    const whole = [record(fleet, 2), bundlePath(at(fleet), 2)].map((path) => ({ path, bytes: readFileSync(path) }));
    for (const left of [0, 1]) {
      for (const { path } of whole.slice(left)) rmSync(path);
      refused(() => revoke(fleet, 3), KeyOrderError, /member 3 is excluded already; send up .*epoch-2\.bundle\.cbor/);
      for (const { path, bytes } of whole) assert.ok(readFileSync(path).equals(bytes), path);
    }
    rmSync(record(fleet, 2));
    // What is handed out was issued.
    given(fleet, 0);
    assert.ok(existsSync(record(fleet, 2)));
    // Interrupted before the key epoch: nothing was made.
    assert.is(change(fleet).epoch, 3);
  }));

test('the loss of an older key epoch is reported only by the commands that need it', () =>
  inFleet((fleet) => {
    revoke(fleet, 3);
    change(fleet);
    for (const epoch of [1, 2]) rmSync(keyEpochPath(at(fleet), epoch));
    assert.equal(given(fleet, 0), [3]);
    assert.equal(change(fleet, { startS: 5000 }).excluded, [3]);
    assert.equal(given(fleet, 0), [3, 4]);
    rmSync(keyEpochPath(at(fleet), 3));
    refused(
      () => given(fleet, 0),
      KeyFileError,
      /epoch-3\.json is missing, and key epoch 3 is in use until 4 begins at 5000 s/,
    );
    assert.is(change(fleet).epoch, 5);
    assert.equal(given(fleet, 0), [4, 5]);
  }));

test('key epoch numbers left out by --number are not reported as lost', () =>
  inFleet((fleet) => {
    change(fleet, { number: 40 });
    assert.is(change(fleet).epoch, 41);
    assert.equal(given(fleet, 0), [40, 41]);
  }));

test('two diverged copies of a fleet folder are detected', () =>
  inFleet((fleet) => {
    const copy = join(fleet, '..', 'copy');
    cpSync(fleet, copy, { recursive: true });
    revoke(fleet, 3);
    revoke(copy, 4);
    cpSync(keyEpochPath(at(copy), 2), keyEpochPath(at(fleet), 2));
    refused(
      () => change(fleet),
      KeyFileError,
      /epoch-2\.json and .*cluster-7-epoch-2\.json are of two different key epochs 2/,
      /--number 3/,
    );
    assert.equal(change(fleet, { number: 3 }).excluded, [3, 4]);
  }));

test('an exclusion begins at once despite a planned key epoch; a change without exclusion waits', () =>
  inFleet((fleet) => {
    const planned = change(fleet, { startS: 4_000_000_000 });
    assert.is(planned.supersedes, null);
    assert.equal(given(fleet, 0), [1, 2]);
    refused(
      () => change(fleet, { startS: 3_999_999_999 }),
      KeyOrderError,
      /epoch 2 begins at 4000000000 s: only keys revoke/,
    );
    const now = revoke(fleet, 3);
    assert.equal([now.epoch, now.startS, now.supersedes], [3, 0, { epoch: 2, startS: 4_000_000_000 }]);
    // Who is fitted out now hears nobody under the key that was planned.
    assert.equal(given(fleet, 0), [3]);
    assert.equal([change(fleet).startS, given(fleet, 0)], [0, [3, 4]]);
    change(fleet, { startS: 9000 });
    const soon = revoke(fleet, 4, { startS: 8000 });
    assert.equal([soon.startS, soon.supersedes, soon.excluded], [8000, { epoch: 5, startS: 9000 }, [3, 4]]);
    const later = change(fleet);
    assert.equal([later.startS, later.supersedes], [8000, null]);
  }));

test('inspect reports a loss, names the next step and ends with 1', () =>
  inFleet((fleet) => {
    const inspect = (...words: string[]) =>
      spawnSync(process.execPath, [command, 'keys', 'inspect', ...words], { encoding: 'utf8', cwd: rootFolder });
    revoke(fleet, 3);
    rmSync(keyEpochPath(at(fleet), 1));
    const whole = inspect(fleet, '--json');
    assert.is(whole.status, 0, whole.stderr);
    const facts = { file: at(fleet), kind: 'cluster', newestIssued: 2, newestThere: 2, missing: [1], flaw: 'none' };
    assert.equal(JSON.parse(whole.stdout).clusters, [facts]);
    change(fleet);
    rmSync(keyEpochPath(at(fleet), 3));
    for (const path of [fleet, at(fleet)]) {
      const lost = inspect(path);
      assert.is(lost.status, 1, lost.stderr);
      assert.match(lost.stdout, /newestIssued +3\n +newestThere +2\n +missing +1, 3\n +flaw +/);
      assert.match(lost.stdout, / flaw +[\s\S]*epoch-3\.json\s+is\s+missing[\s\S]*--number\s+4/);
    }
    const about = inspect(record(fleet, 3));
    assert.is(about.status, 0, about.stderr);
    assert.match(about.stdout, /heliograph issued\n.*\n +epoch +3\n/);
    rmSync(at(fleet), { recursive: true });
    assert.match(inspect(fleet).stdout, /newestThere +none/);
    assert.equal(keyEpochsOf(fleet, 7).issued, [1, 2, 3]);
  }));

test('a number that would end the changes of keys is refused, and the last thousand changes are announced', () =>
  inFleet((fleet) => {
    const orders: [number, RegExp][] = [
      [65534, /key epoch 65534 would leave 0 key changes for ever.*at most 64534/],
      [64535, /would leave 999 key changes/],
    ];
    for (const [number, reason] of orders) refused(() => change(fleet, { number }), KeyOrderError, reason);
    assert.equal(keyEpochsOf(fleet, 7).made, [1]);
    assert.is(change(fleet, { number: 64534 }).changesLeft, 1000);
    const next = () =>
      spawnSync(process.execPath, [command, 'keys', 'epoch', fleet, '--cluster', '7', '--json'], { encoding: 'utf8' });
    const { status, stdout, stderr } = next();
    assert.is(status, 0, stderr);
    assert.match(stderr, /999 key changes are left for cluster 7: before they are used up, make the cluster anew/);
    const { epoch, changesLeft, exclusionsLeft } = JSON.parse(stdout);
    assert.equal([epoch, changesLeft, exclusionsLeft], [64535, 999, 7]);
    // A number that is due anyway is no jump.
    assert.is(change(fleet, { number: 64536 }).epoch, 64536);
  }));

test.run();
