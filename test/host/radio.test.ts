import { createSocket } from 'node:dgram';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withCrc } from '../../host/security/envelope.ts';
import { LoopbackMedium } from '../../host/radio/loopback.ts';
import { type Radio, RadioError } from '../../host/radio/radio.ts';
import { openUdp, parseUdpAddress } from '../../host/radio/udp.ts';
import { freePorts, until } from './support.ts';

const frame = withCrc(Uint8Array.of(1, 2, 3));

test('a base port gives each member its own; a list names each', () => {
  const based = parseUdpAddress('udp://127.0.0.1:47000', 3);
  assert.equal(
    based.map(({ port }) => port),
    [47000, 47001, 47002],
  );
  const listed = parseUdpAddress('udp://127.0.0.1:5,localhost:9,[::1]:7', 3);
  assert.equal(listed, [
    { host: '127.0.0.1', port: 5 },
    { host: '127.0.0.1', port: 9 },
    { host: '::1', port: 7 },
  ]);
});

test('with keys of its own a node may be heard on a network, at addresses and not names', () => {
  assert.equal(parseUdpAddress('udp://10.1.2.3:47000', 2, 'any')[1], { host: '10.1.2.3', port: 47001 });
  assert.throws(() => parseUdpAddress('udp://node7.example:47000', 2, 'any'), /'node7\.example' is no address/);
});

test('whatever is not loopback is refused, and why is said', () => {
  for (const host of ['0.0.0.0', '192.168.1.2', '10.0.0.1', 'example.org', '[::]', '127.evil.org']) {
    assert.throws(() => parseUdpAddress(`udp://${host}:47000`, 2), /loopback interface only/, host);
  }
});

test('addresses that cannot be are refused with the next step', () => {
  for (const [text, reason] of [
    ['tcp://127.0.0.1:1', /no radio/],
    ['udp://127.0.0.1', /HOST:PORT/],
    ['udp://127.0.0.1:0', /not in 1–65535/],
    ['udp://127.0.0.1:65534', /begin lower/],
    ['udp://127.0.0.1:1,127.0.0.1:2', /2 endpoints for 5 members/],
  ] as const) {
    assert.throws(
      () => parseUdpAddress(text, 5),
      (error: Error) => error instanceof RadioError && reason.test(error.message),
      text,
    );
  }
});

test('over UDP all others get a frame; noise and strangers are counted', async () => {
  const ports = await freePorts(3);
  const endpoints = ports.map((port) => ({ host: '127.0.0.1', port }));
  const heard: number[][] = [[], [], []];
  const radios: Radio[] = [];
  for (let self = 0; self < 3; self++)
    radios.push(await openUdp(endpoints, self, (bytes) => heard[self].push(bytes.length)));
  radios[0].send(frame);
  await until(() => heard[1].length === 1 && heard[2].length === 1);
  assert.equal(heard[0], []);

  const noise = Uint8Array.from(frame);
  noise[1] ^= 4;
  radios[1].send(noise);
  radios[1].send(new Uint8Array(300));
  const stranger = createSocket('udp4');
  stranger.send(frame, ports[0], '127.0.0.1');
  const { counters } = radios[0];
  await until(() => counters.badChecksums === 1 && counters.badLengths === 1 && counters.strangers === 1);
  assert.equal(heard[0], []);
  stranger.close();
  for (const radio of radios) await radio.close();
});

test('a port that is taken names itself', async () => {
  const [port] = await freePorts(1);
  const endpoints = [{ host: '127.0.0.1', port }];
  const radio = await openUdp(endpoints, 0, () => {});
  try {
    await openUdp(endpoints, 0, () => {});
    assert.unreachable('the second bind must fail');
  } catch (error) {
    assert.match((error as Error).message, new RegExp(`${port} \\(is that node running already`));
  }
  await radio.close();
});

test('loopback: all others hear, noise is dropped, who left hears nothing', async () => {
  const medium = new LoopbackMedium();
  const heard = [0, 0, 0];
  const radios = heard.map((_, self) => medium.join(() => (heard[self] += 1)));
  radios[0].send(frame);
  assert.equal(heard, [0, 1, 1]);
  radios[0].send(frame.subarray(0, 5));
  radios[0].send(new Uint8Array(400));
  assert.equal(heard, [0, 1, 1]);
  assert.is(radios[1].counters.badChecksums, 1);
  assert.is(radios[1].counters.badLengths, 1);
  await radios[2].close();
  radios[0].send(frame);
  assert.equal(heard, [0, 2, 1]);
});

test.run();
