import { createSocket, type Socket } from 'node:dgram';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { FRAME_BYTES_MAX } from '../cbor/generated.ts';
import { hasRightChecksum } from './framing.ts';
import { type OnFrame, type Radio, type RadioCounters, RadioError, zeroCounters } from './radio.ts';

/**
 * Whom a node may exchange frames with: processes of this machine, or whatever network an address
 * belongs to.
 */
export type Scope = 'loopback' | 'any';

export interface Endpoint {
  host: string;
  port: number;
}

const familyOf = (host: string): 'ipv4' | 'ipv6' => (isIP(host) === 6 ? 'ipv6' : 'ipv4');

function listOf(...subnets: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of subnets) list.addSubnet(address, bits, familyOf(address));
  return list;
}

/** Addresses of this machine alone. */
const loopback = listOf(['127.0.0.0', 8], ['::1', 128]);
/** Addresses that no single member can have, and why. */
const noMembers: readonly { list: BlockList; why: string }[] = [
  { list: listOf(['0.0.0.0', 8], ['::', 128]), why: 'stands for every address of a machine' },
  { list: listOf(['224.0.0.0', 4], ['ff00::', 8]), why: 'is a multicast address' },
  { list: listOf(['255.255.255.255', 32]), why: 'is the broadcast address' },
  { list: listOf(['fe80::', 10]), why: 'is valid on one link only, and none is named' },
];

function isLoopback(host: string): boolean {
  return loopback.check(host, familyOf(host));
}

/** IPv4 in the form of IPv6. */
const mapped = /^::ffff:([\d.]+)$/;

/**
 * The one spelling of an address, as the operating system gives it for a frame's sender. Throws
 * RadioError when it can be no member's.
 */
function canonical(host: string): string {
  if (isIP(host) === 0)
    throw new RadioError(`'${host}' is no address: frames are taken from the very addresses that are listed`);
  const { address } = new SocketAddress({ address: host, family: familyOf(host) });
  const one = mapped.exec(address)?.[1] ?? address;
  for (const { list, why } of noMembers)
    if (list.check(one, familyOf(one)))
      throw new RadioError(`'${host}' ${why}: give the address at which the other members reach this one`);
  return one;
}

function parseEndpoint(text: string, scope: Scope): Endpoint {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (parts === null) throw new RadioError(`'${text}' is no HOST:PORT (write for instance udp://127.0.0.1:47000)`);
  const given = parts[1] ?? (parts[2] === 'localhost' ? '127.0.0.1' : parts[2]);
  const port = Number(parts[3]);
  if (port < 1 || port > 65535) throw new RadioError(`port ${port} of '${text}' is not in 1–65535`);
  if (scope === 'loopback' && (isIP(given) === 0 || !isLoopback(given))) {
    const why = 'whoever knows the seed has simulated keys, so with them a node binds to the loopback interface only';
    throw new RadioError(`${why}: '${given}' is refused (use 127.0.0.1, ::1 or localhost)`);
  }
  return { host: canonical(given), port };
}

/**
 * Parses the members' endpoints, by index. `udp://HOST:PORT` gives member i port PORT + i; a list
 * `udp://HOST:PORT,HOST:PORT,…` names each. Throws RadioError.
 */
export function parseUdpAddress(text: string, members: number, scope: Scope = 'loopback'): Endpoint[] {
  if (!text.startsWith('udp://'))
    throw new RadioError(`'${text}' is no radio (write for instance udp://127.0.0.1:47000)`);
  const endpoints = text
    .slice('udp://'.length)
    .split(',')
    .map((endpoint) => parseEndpoint(endpoint, scope));
  if (endpoints.length === 1) {
    const { host, port } = endpoints[0];
    const last = port + members - 1;
    if (last > 65535)
      throw new RadioError(`${members} members from port ${port} on end at ${last}, above 65535 (begin lower)`);
    return Array.from({ length: members }, (_, index) => ({ host, port: port + index }));
  }
  if (endpoints.length !== members) {
    throw new RadioError(
      `'${text}' lists ${endpoints.length} endpoints for ${members} members (list each, or give one base port)`,
    );
  }
  refuseAmbiguous(endpoints);
  return endpoints;
}

/** Refuses endpoints of two members that are one, and addresses that cannot reach each other. */
function refuseAmbiguous(endpoints: readonly Endpoint[]): void {
  const indexOf = new Map<string, number>();
  for (const [index, { host, port }] of endpoints.entries()) {
    const name = `${host} port ${port}`;
    const other = indexOf.get(name);
    if (other !== undefined)
      throw new RadioError(`members ${other} and ${index} have one endpoint, ${name}: each needs its own`);
    indexOf.set(name, index);
    if (isIP(host) !== isIP(endpoints[0].host))
      throw new RadioError(
        `members 0 and ${index} do not reach each other: ${endpoints[0].host} and ${host} are IPv4 and IPv6 ` +
          '(list addresses of one family)',
      );
    if (isLoopback(host) !== isLoopback(endpoints[0].host))
      throw new RadioError(
        `members 0 and ${index} do not reach each other: of ${endpoints[0].host} and ${host} one is a loopback ` +
          'address (list addresses of one network)',
      );
  }
}

/**
 * Binds member `self` of `endpoints`. One datagram is one frame. Rejects with RadioError when the
 * port cannot be bound.
 */
export async function openUdp(endpoints: readonly Endpoint[], self: number, onFrame: OnFrame): Promise<Radio> {
  const own = endpoints[self];
  const socket = createSocket(isIP(own.host) === 6 ? 'udp6' : 'udp4');
  const peers = endpoints.filter((_, index) => index !== self);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const next =
        error.code === 'EADDRINUSE' ? 'is that node running already? else take another base port' : error.message;
      reject(new RadioError(`cannot bind udp://${own.host}:${own.port} (${next})`));
    });
    socket.bind(own.port, own.host, resolve);
  });
  return new UdpRadio(socket, own, peers, onFrame);
}

class UdpRadio implements Radio {
  readonly counters: RadioCounters = zeroCounters();
  readonly description: string;
  private readonly socket: Socket;
  private readonly peers: readonly Endpoint[];
  private readonly known: ReadonlySet<string>;
  private closed = false;

  constructor(socket: Socket, own: Endpoint, peers: readonly Endpoint[], onFrame: OnFrame) {
    this.socket = socket;
    this.peers = peers;
    this.known = new Set(peers.map(({ host, port }) => `${host} ${port}`));
    this.description = `udp://${own.host}:${own.port}${isLoopback(own.host) ? ' (loopback only)' : ''}`;
    socket.removeAllListeners('error');
    socket.on('error', () => {
      this.counters.sendFailures += 1;
    });
    socket.on('message', (frame, from) => this.take(frame, `${from.address} ${from.port}`, onFrame));
  }

  private take(frame: Uint8Array, from: string, onFrame: OnFrame): void {
    if (!this.known.has(from)) this.counters.strangers += 1;
    else if (frame.length === 0 || frame.length > FRAME_BYTES_MAX) this.counters.badLengths += 1;
    else if (!hasRightChecksum(frame)) this.counters.badChecksums += 1;
    else {
      this.counters.framesReceived += 1;
      onFrame(frame);
    }
  }

  send(frame: Uint8Array): void {
    if (this.closed) return;
    this.counters.framesSent += 1;
    const copy = frame.slice();
    for (const { host, port } of this.peers) {
      this.socket.send(copy, port, host, (error) => {
        if (error) this.counters.sendFailures += 1;
      });
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}
