// Measures what it costs the fleet image to merge a broadcast heartbeat, beyond opening its frame:
// `receive` of the frame less `receive` of the same frame with a wrong tag, which changes a loss
// counter only.

import {
  ADDRESSEE_ALL,
  CRC_BYTES,
  ENVELOPE_BYTES,
  STATUS,
  STATUS_MASK,
  TAG_BYTES,
  TYPE,
} from '../../host/cbor/generated.ts';
import { messageType } from '../../host/cbor/message.ts';
import { startStopwatch } from '../../host/clock/clock.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { readImage } from '../../host/engine/image.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { counted, countExport } from '../../hwsim/campaign/memory/instrument.ts';
import { addresseeOf } from '../../hwsim/channel/channel.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';
import { flownNodes, quiet } from './speed.ts';

const hours = 2;
/** Four bitmaps, beside type, time, error and digests. The frame has hardly room for more. */
const heartbeatBytesMin = 4 * Math.ceil(flownNodes / 8);
const heartbeatBytesMax = 48 + heartbeatBytesMin;

/** The median cost of merging one heartbeat. */
interface Cost {
  ns: number;
  instructions: number;
}

const messageBytes = (length: number): number => length - ENVELOPE_BYTES - TAG_BYTES - CRC_BYTES;

/** Whether a frame of the null cipher is a broadcast with a heartbeat alone. */
function isHeartbeat(view: Uint8Array, at: number, length: number): boolean {
  if (addresseeOf(view, at) !== ADDRESSEE_ALL || messageBytes(length) > heartbeatBytesMax) return false;
  const textAt = at + ENVELOPE_BYTES;
  return messageBytes(length) > heartbeatBytesMin && messageType(view, textAt, at + length) === TYPE.heartbeat;
}

/** Measures receives of broadcast heartbeats, by a clock of nanoseconds or of instructions. */
function measuring(engine: Engine, clock: () => number): { engine: Engine; median: () => number } {
  const { receive } = engine.calls;
  const costs: number[] = [];
  const timed = (...words: Parameters<typeof receive>): [status: number, cost: number] => {
    const began = clock();
    const status = receive(...words);
    return [status, clock() - began];
  };
  const watched: typeof receive = (ctx, nowS, nowMs, at, length) => {
    const view = engine.view();
    if (!isHeartbeat(view, at, length)) return receive(ctx, nowS, nowMs, at, length);
    const tagEnd = at + length - CRC_BYTES - 1;
    view[tagEnd] ^= 1;
    const [refused, opening] = timed(ctx, nowS, nowMs, at, length);
    view[tagEnd] ^= 1;
    const [status, whole] = timed(ctx, nowS, nowMs, at, length);
    if ((refused & STATUS_MASK) === STATUS.tag && (status & STATUS_MASK) === STATUS.ok) costs.push(whole - opening);
    return status;
  };
  return {
    engine: { ...engine, calls: { ...engine.calls, receive: watched } },
    median: () => {
      if (costs.length === 0) throw new Error('no frame of the flight was a broadcast with a heartbeat alone');
      return costs.sort((a, b) => a - b)[costs.length >> 1];
    },
  };
}

function meanOf(image: Uint8Array, clockOf: (engine: Engine) => () => number): number {
  const bare = createV8Engine(image);
  const { engine, median } = measuring(bare, clockOf(bare));
  const scenario = quiet(hours / 24, flownNodes);
  const { seed, days, nodes } = scenario;
  runScenario(scenario, { seed, days, nodes, body: shippedBody(scenario.body), engine });
  return median();
}

/** Measures in flights of `quiet`: the better time of two, and instructions. */
export async function heartbeatCost(): Promise<Cost> {
  const image = readImage('fleet');
  const seconds = startStopwatch();
  const ns = () => meanOf(image, () => () => seconds() * 1e9);
  const counter = (engine: Engine) => (engine.calls as unknown as Record<string, WebAssembly.Global>)[countExport];
  return {
    ns: Math.min(ns(), ns()),
    instructions: meanOf(await counted(image), (engine) => () => Number(counter(engine).value)),
  };
}
