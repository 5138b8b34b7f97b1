import { withCrc } from '../../host/security/envelope.ts';
import { encodeStream } from '../../host/radio/framing.ts';
import type { Hello, LocalTime, PortInput, PortOutput } from '../board/port.ts';

/**
 * Encodes and decodes what crosses a board's serial line (firmware/boards/README.md), in both
 * directions, so that test doubles of a board use the same code.
 */
const crcBytes = 4;

const kind = {
  boot: 1,
  frame: 2,
  record: 3,
  tick: 4,
  store: 5,
  ask: 6,
  reset: 7,
  hello: 129,
  outFrame: 130,
  outRecord: 131,
  done: 132,
  trapped: 133,
  answer: 134,
} as const;

const flagDriven = 1;
const flagHashed = 2;

/** Allocates the body of one frame with `bytes` bytes of fields. */
function bodyOf(type: number, bytes: number): { body: Uint8Array; view: DataView } {
  const body = new Uint8Array(1 + bytes);
  body[0] = type;
  return { body, view: new DataView(body.buffer) };
}

function timed(type: number, { nowS, nowMs }: LocalTime, rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { body, view } = bodyOf(type, 6 + rest.length);
  view.setUint32(1, nowS, true);
  view.setUint16(5, nowMs, true);
  body.set(rest, 7);
  return body;
}

function inputBody(input: PortInput): Uint8Array {
  switch (input.kind) {
    case 'boot': {
      const { body, view } = bodyOf(kind.boot, 8 + input.config.length);
      view.setUint8(1, (input.ownClock ? 0 : flagDriven) | (input.hashed ? flagHashed : 0));
      view.setUint8(2, input.cause);
      view.setUint32(3, input.nowS, true);
      view.setUint16(7, input.nowMs, true);
      body.set(input.config, 9);
      return body;
    }
    case 'frame':
      return timed(kind.frame, input, input.bytes);
    case 'record':
      return timed(kind.record, input, input.bytes);
    case 'tick':
      return timed(kind.tick, input);
    case 'store':
      return timed(kind.store, input);
    case 'ask': {
      const { body, view } = bodyOf(kind.ask, 5);
      view.setUint8(1, input.what);
      view.setUint32(2, input.index, true);
      return body;
    }
    case 'reset':
      return Uint8Array.of(kind.reset, input.how);
  }
}

function outputBody(output: PortOutput): Uint8Array {
  switch (output.kind) {
    case 'hello': {
      const { body, view } = bodyOf(kind.hello, 22);
      body.set([output.target, output.abi, output.preset, output.cause], 1);
      view.setUint32(5, output.boots, true);
      body.set([output.resetsInRow, output.checkpoints], 9);
      view.setUint32(11, output.contextBytes, true);
      view.setUint32(15, output.imageMark, true);
      view.setUint32(19, output.reserved, true);
      return body;
    }
    case 'frame':
    case 'record':
      return Uint8Array.of(output.kind === 'frame' ? kind.outFrame : kind.outRecord, ...output.bytes);
    case 'done': {
      const { body, view } = bodyOf(kind.done, 12);
      view.setUint32(1, output.status, true);
      view.setUint32(5, output.deadlineMs, true);
      view.setUint32(9, output.hash, true);
      return body;
    }
    case 'trapped': {
      const { body, view } = bodyOf(kind.trapped, 5);
      view.setUint32(1, output.site, true);
      view.setUint8(5, output.reason);
      return body;
    }
    case 'answer': {
      const { body, view } = bodyOf(kind.answer, 4 * output.words.length);
      output.words.forEach((word, index) => {
        view.setUint32(1 + 4 * index, word, true);
      });
      return body;
    }
  }
}

/** Encodes an input for the line. */
export function encodeInput(input: PortInput): Uint8Array {
  const framed = encodeStream(withCrc(inputBody(input)));
  const bytes = new Uint8Array(framed.length + 1);
  // The zero before it ends whatever an upset left in the receiver, so that this frame is received.
  bytes.set(framed, 1);
  return bytes;
}

/** Encodes an output as a board does. */
export function encodeOutput(output: PortOutput): Uint8Array {
  return encodeStream(withCrc(outputBody(output)));
}

/** Thrown when bytes with a correct CRC-32C are no frame of the port. */
export class PortError extends Error {}

function opened(frame: Uint8Array): { type: number; body: Uint8Array; view: DataView } {
  const body = frame.subarray(1, frame.length - crcBytes);
  return { type: frame[0], body, view: new DataView(body.buffer, body.byteOffset, body.length) };
}

function needs(body: Uint8Array, type: number, bytes: number): void {
  if (body.length < bytes) throw new PortError(`a port frame of kind ${type} has ${body.length} bytes, not ${bytes}`);
}

/** Decodes a frame to the board whose CRC-32C is correct. Throws PortError. */
export function decodeInput(frame: Uint8Array): PortInput {
  const { type, body, view } = opened(frame);
  if (type === kind.boot) {
    needs(body, type, 8);
    const time = { nowS: view.getUint32(2, true), nowMs: view.getUint16(6, true) };
    return { kind: 'boot', hashed: (body[0] & flagHashed) !== 0, cause: body[1], ...time, config: body.slice(8) };
  }
  if (type === kind.ask) {
    needs(body, type, 5);
    return { kind: 'ask', what: body[0], index: view.getUint32(1, true) };
  }
  if (type === kind.reset) {
    needs(body, type, 1);
    return { kind: 'reset', how: body[0] };
  }
  if (type < kind.frame || type > kind.store) throw new PortError(`kind ${type} is no input of the port`);
  needs(body, type, 6);
  const time = { nowS: view.getUint32(0, true), nowMs: view.getUint16(4, true) };
  if (type === kind.frame) return { kind: 'frame', ...time, bytes: body.slice(6) };
  if (type === kind.record) return { kind: 'record', ...time, bytes: body.slice(6) };
  return { kind: type === kind.tick ? 'tick' : 'store', ...time };
}

/** Decodes a frame from the board whose CRC-32C is correct. Throws PortError. */
export function decodeOutput(frame: Uint8Array): PortOutput {
  const { type, body, view } = opened(frame);
  switch (type) {
    case kind.outFrame:
      return { kind: 'frame', bytes: body };
    case kind.outRecord:
      return { kind: 'record', bytes: body };
    case kind.done:
      needs(body, type, 12);
      return {
        kind: 'done',
        status: view.getUint32(0, true),
        deadlineMs: view.getUint32(4, true),
        hash: view.getUint32(8, true),
      };
    case kind.hello:
      return decodeHello(body, view);
    case kind.trapped:
      needs(body, type, 5);
      return { kind: 'trapped', site: view.getUint32(0, true), reason: body[4] };
    case kind.answer:
      return {
        kind: 'answer',
        words: Array.from({ length: body.length >> 2 }, (_, word) => view.getUint32(4 * word, true)),
      };
  }
  throw new PortError(`kind ${type} is no output of the port`);
}

function decodeHello(body: Uint8Array, view: DataView): Hello {
  needs(body, kind.hello, 22);
  const [target, abi, preset, cause] = body;
  return {
    kind: 'hello',
    target,
    abi,
    preset,
    cause,
    boots: view.getUint32(4, true),
    resetsInRow: body[8],
    checkpoints: body[9],
    contextBytes: view.getUint32(10, true),
    imageMark: view.getUint32(14, true),
    reserved: view.getUint32(18, true),
  };
}
