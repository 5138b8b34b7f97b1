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
  const listed = parseUdpAddress('udp://127.0.0.1:5,localhost:9,127.0.0.2:5', 3);
  assert.equal(listed, [
    { host: '127.0.0.1', port: 5 },
    { host: '127.0.0.1', port: 9 },
    { host: '127.0.0.2', port: 5 },
  ]);
});

test('an address has one spelling: that of a frame’s sender', () => {
  for (const spelled of ['[0:0:0:0:0:0:0:1]', '[::0001]', '[0000::1]', '[::1]'])
    assert.equal(parseUdpAddress(`udp://${spelled}:47000`, 1), [{ host: '::1', port: 47000 }]);
  for (const spelled of ['[::ffff:127.0.0.1]', '[::FFFF:7f00:1]', '127.0.0.1'])
    assert.equal(parseUdpAddress(`udp://${spelled}:47000`, 1), [{ host: '127.0.0.1', port: 47000 }]);
  assert.is(parseUdpAddress('udp://[2001:DB8:0::7]:47000', 1, 'any')[0].host, '2001:db8::7');
});

test('endpoints that no cluster can have are refused, and why is said', () => {
  for (const [text, reason] of [
    ['udp://0.0.0.0:47000', /'0\.0\.0\.0' stands for every address/],
    ['udp://[::]:47000', /'::' stands for every address/],
    ['udp://[0::0]:47000', /stands for every address/],
    ['udp://224.0.0.1:47000', /is a multicast address/],
    ['udp://[ff02::1]:47000', /is a multicast address/],
    ['udp://255.255.255.255:47000', /is the broadcast address/],
    ['udp://[fe80::1]:47000', /is valid on one link only/],
    ['udp://10.0.0.1:1,10.0.0.1:1', /members 0 and 1 have one endpoint, 10\.0\.0\.1 port 1/],
    ['udp://[::1]:1,[0:0::1]:1', /members 0 and 1 have one endpoint, ::1 port 1/],
    ['udp://10.0.0.1:1,[2001:db8::1]:1', /IPv4 and IPv6/],
    ['udp://127.0.0.1:1,10.0.0.1:1', /one is a loopback address/],
  ] as const)
    assert.throws(
      () => parseUdpAddress(text, 2, 'any'),
      (error: Error) => error instanceof RadioError && reason.test(error.message),
      text,
    );
});

test('members whose address is spelled otherwise hear each other over IPv6', async () => {
  const ports = await freePorts(2);
  const endpoints = parseUdpAddress(`udp://[0:0:0:0:0:0:0:1]:${ports[0]},[::1]:${ports[1]}`, 2);
  let heard = 0;
  let radios: Radio[];
  try {
    radios = [await openUdp(endpoints, 0, () => {}), await openUdp(endpoints, 1, () => (heard += 1))];
  } catch (error) {
    assert.match((error as Error).message, /EADDRNOTAVAIL|EAFNOSUPPORT/);
    return console.log('skipped: this machine has no IPv6');
  }
  radios[0].send(frame);
  await until(() => heard === 1, 20);
  for (const radio of radios) await radio.close();
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
  const none = { framesSent: 0, framesReceived: 0, sendFailures: 0, strangers: 0, badLengths: 0, badChecksums: 0 };
  assert.equal(radios[0].counters, { ...none, framesSent: 4 });
  assert.equal(radios[1].counters, { ...none, framesReceived: 2, badLengths: 1, badChecksums: 1 });
  radios[0].send(new Uint8Array(0));
  assert.is(radios[1].counters.badLengths, 2, 'an empty frame has no length that a frame may have');
});

test.run();
