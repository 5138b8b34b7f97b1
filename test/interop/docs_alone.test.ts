// needs: python
// The docs suffice for an embedder: a codec and a cipher written from them alone, in Python with
// libraries for RFC 8949 and RFC 9052, open the frames of a simulated cluster and make frames that
// a node takes.

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pythonPath } from '../../host/build/python.mjs';
import { rootFolder } from '../../host/build/root.ts';
import { BOOT_CAUSE, INSPECT, LIVENESS, type Message, STATUS, STATUS_MASK } from '../../host/cbor/generated.ts';
import { decodeMessage, encodeMessage } from '../../host/cbor/message.ts';
import { NAMES } from '../../host/cbor/generated/names.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { ImageNode, type Outputs } from '../../host/platform/image_node.ts';
import { realCipher } from '../../host/security/cipher.ts';
import { describe } from '../../host/security/diagnose.ts';
import { decodeFrame, type LinkCipher } from '../../host/security/frame.ts';
import { authorityOf, clusterKeyOf, nodeSeedOf, regionKeyOf } from '../../host/security/hierarchy.ts';
import { bootstrapKey, headOf, linkKey, verifyHead } from '../../host/security/key_epoch.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { type ClusterKeys, clusterKeys, SIMULATED_CLUSTER, simulatedLink } from '../../host/security/simulated_keys.ts';
import { statementOf, verifyStatement } from '../../host/security/statement.ts';
import { pathNodes } from '../../host/security/tree.ts';
import { keyFileText } from '../../host/store/keys/file.ts';
import { run } from '../cli/run.ts';
import { inFolder } from '../host/support.ts';

const test = suite('docs alone');
const program = join(rootFolder, 'test/interop/main.py');
const page = join(rootFolder, 'docs/messages.md');

function python(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(pythonPath, ['-B', program, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  assert.is(status, 0, stderr);
  return stdout;
}

/** A member's key file, as `keys node` writes it. */
function writeNode(path: string, keys: ClusterKeys, id: number): void {
  const { cluster, members } = keys;
  const roster = Array.from({ length: members }, (_, each) => ({
    id: each,
    publicKey: nodeSignatures.publicKey(keys.nodeSeed(each)),
  }));
  const { path: pathKeys, secrets } = keys.member(id);
  const text = keyFileText({
    ...{ kind: 'heliograph node', version: 1, cluster, id, members, seed: keys.nodeSeed(id) },
    ...{ publicKey: roster[id].publicKey, authorityPublicKey: keys.authorityPublicKey, roster },
    path: [...pathKeys],
    secrets: secrets.map(({ keyEpoch, startS, secret }) => ({ epoch: keyEpoch, startS, secret })),
  });
  writeFileSync(path, text);
}

test('every good vector is taken and comes out the same, and every bad one is refused', () => {
  const folder = join(rootFolder, 'proto/vectors');
  // Whole frames, and items that are no message, have files of their own.
  const others = new Set(['frames.json', 'items.json']);
  const files = readdirSync(folder).filter((name) => !others.has(name));
  const { good, bad } = JSON.parse(python('vectors', page, ...files.map((name) => join(folder, name))));
  assert.ok(good > 600 && bad > 3500, `${good} good, ${bad} bad`);
});

test('500 recorded frames open, and come out byte for byte when they are made again', () =>
  inFolder((folder) => {
    const [seed, members, count] = [5, 12, 500];
    const recording = join(folder, 'run');
    const flown = run(
      'sim',
      'quiet',
      '--nodes',
      `${members}`,
      '--days',
      '0.1',
      '--seed',
      `${seed}`,
      '--out',
      recording,
    );
    assert.ok(flown.status === 0 || flown.status === 1, flown.stderr);
    const shown = run('decode', recording, '--json').stdout.trimEnd().split('\n').slice(0, count);
    const node = join(folder, 'node-3.json');
    writeNode(node, clusterKeys(seed, SIMULATED_CLUSTER, members), 3);
    const opened = python('open', page, node, join(recording, 'frames.bin.gz'), `${count}`).trimEnd().split('\n');
    assert.is(opened.length, count);
    const link = simulatedLink(seed, members);
    opened.forEach((line, index) => {
      const { same, sender, timeMs, header, messages } = JSON.parse(line);
      const ours = JSON.parse(shown[index]);
      assert.equal([sender, timeMs / 1000, same], [ours.sender, ours.timeS, true], line);
      const described = describe(Buffer.from(ours.hex, 'hex'), link);
      assert.equal({ version: 1, ...header }, described.header);
      assert.equal(messages, described.messages);
    });
    const names = new Set(opened.flatMap((line) => JSON.parse(line).messages.map(({ name }: Message) => name)));
    for (const name of ['heartbeat', 'probe', 'ack', 'intent', 'join'])
      assert.ok(names.has(name as Message['name']), name);
  }));

const [cluster, members, maker, missionS] = [7, 12, 3, 5000];
/** The fleet's root of the test: the authority's file needs the cluster's key. */
const clusterKey = clusterKeyOf(regionKeyOf(new Uint8Array(32).fill(5), 0), cluster);
const secret = new Uint8Array(32).fill(9);
/** Secret of the key epoch that the other program makes. */
const madeSecret = Uint8Array.from({ length: 32 }, (_, index) => index);

/** Key files of a member, and of the authority with what the docs say it holds. */
function keyFiles(folder: string): { node: string; authority: string } {
  const authority = authorityOf(clusterKey, cluster);
  const publicKey = nodeSignatures.publicKey(authority.seed);
  const roster = Array.from({ length: members }, (_, id) => ({
    id,
    publicKey: nodeSignatures.publicKey(nodeSeedOf(clusterKey, cluster, id)),
  }));
  const [node, root] = [join(folder, 'node-3.json'), join(folder, 'authority.json')];
  writeFileSync(
    node,
    keyFileText({
      ...{ kind: 'heliograph node', version: 1, cluster, id: maker, members, roster, authorityPublicKey: publicKey },
      ...{ seed: nodeSeedOf(clusterKey, cluster, maker), publicKey: roster[maker].publicKey },
      path: pathNodes(maker).map((each) => ({ node: each, key: authority.pathKey(each) })),
      secrets: [{ epoch: 1, startS: 0, secret }],
    }),
  );
  writeFileSync(
    root,
    keyFileText({
      ...{ kind: 'heliograph authority', version: 1, region: 0, cluster, clusterKey, publicKey, members: roster },
    }),
  );
  return { node, authority: root };
}

/** A node that is given what the other program made; its platform answers as docs/abi.md says. */
class Receiver {
  readonly node = new ImageNode(loadV8Engine('flight'));
  readonly events: Message[] = [];
  readonly sent: Message[] = [];
  /** What the node asked its platform to verify, and the answers. */
  readonly verified: boolean[] = [];
  readonly #link: LinkCipher = {
    keyOf: ({ keyEpoch }) =>
      keyEpoch === 0
        ? bootstrapKey(authorityOf(clusterKey, cluster).pathKey(1), cluster)
        : linkKey(keyEpoch === 1 ? secret : madeSecret, cluster, keyEpoch),
    cipher: realCipher,
  };
  #nowMs = 0;

  constructor() {
    const authority = authorityOf(clusterKey, cluster);
    const config = encodeConfig(
      {
        ...{ cluster, self: 0, members, generation: 1, seed: 1, rateMax: 200, storageKg: 1000, batteryWh: 1000 },
        ...{ solarW: 1000, baseW: 10, replicateW: 10, mineWhPerKg: 10, features: 0 },
      },
      [{ name: 'group', group: 1, kind: 1, units: 4, capacity: 1000, stockKg: 100_000, loadKg: 0 }],
      { incarnation: 1, timeKnown: true, missionMs: missionS * 1000, resets: 0, alternateImage: false, reserved: 0 },
      {
        secrets: [{ keyEpoch: 1, startS: 0, secret }],
        path: pathNodes(0).map((node) => ({ node, key: authority.pathKey(node) })),
      },
    );
    this.#take(this.node.boot(config, BOOT_CAUSE.powerOn, 0));
    this.pass(1);
  }

  /** Gives a frame; returns the status. */
  receive(hex: string): number {
    return this.#take(this.node.receive(Buffer.from(hex, 'hex'), this.#nowMs));
  }

  /** Lets the node work for so many seconds: it is ticked at its deadlines. */
  pass(seconds: number): void {
    const endMs = this.#nowMs + seconds * 1000;
    while (this.node.tickAtMs < endMs) {
      this.#nowMs = Math.max(this.#nowMs, this.node.tickAtMs);
      this.#take(this.node.tick(this.#nowMs));
    }
    this.#nowMs = endMs;
  }

  event<Name extends Message['name']>(name: Name): Extract<Message, { name: Name }>[] {
    return this.events.filter((event): event is Extract<Message, { name: Name }> => event.name === name);
  }

  /** Number of messages of unknown type that were passed over. */
  get unknown(): number {
    return this.node.loop.inspect(INSPECT.counters, 0)[NAMES.counter.indexOf('message-unknown') * 2];
  }

  #take({ status, frames, commands, events }: Outputs): number {
    for (const event of events) this.events.push(decodeMessage(event, 0).value as Message);
    for (const frame of frames) this.sent.push(...(decodeFrame(frame, this.#link).messages as Message[]));
    for (const command of commands) this.#answer(decodeMessage(command, 0).value as Message);
    return status & STATUS_MASK;
  }

  #answer(command: Message): void {
    const observe = (record: Message) => {
      const { status } = this.node.observe(encodeMessage(record), this.#nowMs);
      assert.is(status & STATUS_MASK, STATUS.ok, record.name);
    };
    if (command.name === 'reserve-counters') observe({ name: 'counters-reserved', cycle: command.cycle });
    if (command.name === 'check-key-epoch') {
      const head = headOf(this.node.loop.inspect(12, 0));
      assert.ok(head !== null && head.keyEpoch === command.keyEpoch);
      const isRight = verifyHead(nodeSignatures.publicKey(authorityOf(clusterKey, cluster).seed), cluster, head);
      this.verified.push(isRight);
      observe({ name: 'key-epoch-checked', keyEpoch: command.keyEpoch, ok: isRight ? 1 : 0 });
    }
    if (command.name === 'verify') {
      const statement = statementOf(this.node.loop.inspect(13, command.ticket));
      assert.ok(statement !== null);
      const publicKey = nodeSignatures.publicKey(nodeSeedOf(clusterKey, cluster, statement.owner));
      const isRight = verifyStatement(publicKey, cluster, statement);
      this.verified.push(isRight);
      observe({ name: 'verified', ticket: command.ticket, ok: isRight ? 1 : 0 });
    }
  }
}

test('frames that it makes are taken by a node, and have their effect', () =>
  inFolder((folder) => {
    const files = keyFiles(folder);
    const made = JSON.parse(python('make', page, files.node, files.authority, `${missionS}`));
    const node = new Receiver();

    assert.is(node.receive(made.heartbeat), STATUS.ok);
    node.pass(20);
    assert.ok(
      node.sent.some((message) => message.name === 'ack' && message.sequence === 41),
      'the probe is answered',
    );
    assert.ok(node.event('member-state').some(({ member, state }) => member === maker && state === LIVENESS.alive));
    assert.is(node.receive(made['short heartbeat']), STATUS.implausible);

    assert.is(node.receive(made.intent), STATUS.ok);
    const [stored] = node.event('stored');
    assert.equal([stored.owner, stored.slot, stored.version, stored.state], [maker, 0, (1 << 19) + 1, 2]);
    assert.is(node.verified.length, 0);
    assert.is(node.receive(made.statement), STATUS.ok);

    const acks = () => node.sent.filter(({ name }) => name === 'ack').length;
    const before = acks();
    assert.is(node.receive(made.unknown), STATUS.ok);
    assert.is(node.unknown, 1);
    node.pass(20);
    assert.is(acks(), before + 1, 'what follows an unknown message is read');
    assert.is(node.receive(made['unknown too deep']), STATUS.malformed);
    assert.is(node.receive(made['unknown in key epoch 0']), STATUS.implausible);

    assert.is(node.receive(made['under the new key']), STATUS.keyEpoch, 'nobody has the key yet');
    // A part that comes before the head is verified is dropped: the sender repeats both.
    assert.is(node.receive(made['key epoch']), STATUS.ok);
    assert.is(node.receive(made['key epoch again']), STATUS.ok);
    node.pass(130);
    assert.ok(node.event('key-epoch-changed').some(({ keyEpoch }) => keyEpoch === 2));
    assert.is(node.receive(made['under the new key']), STATUS.ok);
    assert.equal(node.verified, [true, true], "the statement's signature and the authority's");
  }));

test('a boot takes the configuration that it makes of a key file', () =>
  inFolder((folder) => {
    const files = keyFiles(folder);
    const { configuration } = JSON.parse(python('make', page, files.node, files.authority, `${missionS}`));
    const node = new ImageNode(loadV8Engine('flight'));
    const { status, events } = node.boot(Buffer.from(configuration, 'hex'), BOOT_CAUSE.powerOn, 0);
    assert.is(status & STATUS_MASK, STATUS.ok);
    assert.is(decodeMessage(events[0], 0).value.name, 'booted');
    // Its keys are in use: the key epoch that it sends under, and the newest.
    assert.equal([...node.loop.inspect(12, 1).slice(0, 2)], [1, 1]);
  }));

test.run();
