import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
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

/** Addresses of this machine alone. */
function isLoopback(host: string): boolean {
  if (host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function parseEndpoint(text: string, scope: Scope): Endpoint {
  const parts = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (parts === null) throw new RadioError(`'${text}' is no HOST:PORT (write for instance udp://127.0.0.1:47000)`);
  const host = parts[1] ?? (parts[2] === 'localhost' ? '127.0.0.1' : parts[2]);
  const port = Number(parts[3]);
  if (port < 1 || port > 65535) throw new RadioError(`port ${port} of '${text}' is not in 1–65535`);
  if (scope === 'loopback' && !isLoopback(host)) {
    const why = 'whoever knows the seed has simulated keys, so with them a node binds to the loopback interface only';
    throw new RadioError(`${why}: '${host}' is refused (use 127.0.0.1, ::1 or localhost)`);
  }
  if (isIP(host) === 0)
    throw new RadioError(`'${host}' is no address: frames are taken from the very addresses that are listed`);
  return { host, port };
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
  return endpoints;
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
