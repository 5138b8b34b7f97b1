import { withCrc } from '../../host/security/envelope.ts';
import { encodeStream } from '../../host/radio/framing.ts';
import type { Hello, LocalTime, PortInput, PortOutput } from '../board/port.ts';
import { CRC_BYTES, PORT, PORT_BOOT } from '../../host/cbor/generated.ts';

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
      const { body, view } = bodyOf(PORT.boot, 8 + input.config.length);
      view.setUint8(1, (input.ownClock ? 0 : PORT_BOOT.driven) | (input.hashed ? PORT_BOOT.hashed : 0));
      view.setUint8(2, input.cause);
      view.setUint32(3, input.nowS, true);
      view.setUint16(7, input.nowMs, true);
      body.set(input.config, 9);
      return body;
    }
    case 'frame':
      return timed(PORT.frame, input, input.bytes);
    case 'record':
      return timed(PORT.record, input, input.bytes);
    case 'tick':
      return timed(PORT.tick, input);
    case 'store':
      return timed(PORT.store, input);
    case 'ask': {
      const { body, view } = bodyOf(PORT.ask, 5);
      view.setUint8(1, input.what);
      view.setUint32(2, input.index, true);
      return body;
    }
    case 'reset':
      return Uint8Array.of(PORT.reset, input.how);
  }
}

function outputBody(output: PortOutput): Uint8Array {
  switch (output.kind) {
    case 'hello': {
      const { body, view } = bodyOf(PORT.hello, 22);
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
      return Uint8Array.of(output.kind === 'frame' ? PORT.outFrame : PORT.outRecord, ...output.bytes);
    case 'done': {
      const { body, view } = bodyOf(PORT.done, 12);
      view.setUint32(1, output.status, true);
      view.setUint32(5, output.deadlineMs, true);
      view.setUint32(9, output.hash, true);
      return body;
    }
    case 'trapped': {
      const { body, view } = bodyOf(PORT.trapped, 5);
      view.setUint32(1, output.site, true);
      view.setUint8(5, output.reason);
      return body;
    }
    case 'answer': {
      const { body, view } = bodyOf(PORT.answer, 4 * output.words.length);
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
  const body = frame.subarray(1, frame.length - CRC_BYTES);
  return { type: frame[0], body, view: new DataView(body.buffer, body.byteOffset, body.length) };
}

function needs(body: Uint8Array, type: number, bytes: number): void {
  if (body.length < bytes) throw new PortError(`a port frame of kind ${type} has ${body.length} bytes, not ${bytes}`);
}

/** Decodes a frame to the board whose CRC-32C is correct. Throws PortError. */
export function decodeInput(frame: Uint8Array): PortInput {
  const { type, body, view } = opened(frame);
  if (type === PORT.boot) {
    needs(body, type, 8);
    const time = { nowS: view.getUint32(2, true), nowMs: view.getUint16(6, true) };
    return { kind: 'boot', hashed: (body[0] & PORT_BOOT.hashed) !== 0, cause: body[1], ...time, config: body.slice(8) };
  }
  if (type === PORT.ask) {
    needs(body, type, 5);
    return { kind: 'ask', what: body[0], index: view.getUint32(1, true) };
  }
  if (type === PORT.reset) {
    needs(body, type, 1);
    return { kind: 'reset', how: body[0] };
  }
  if (type < PORT.frame || type > PORT.store) throw new PortError(`kind ${type} is no input of the port`);
  needs(body, type, 6);
  const time = { nowS: view.getUint32(0, true), nowMs: view.getUint16(4, true) };
  if (type === PORT.frame) return { kind: 'frame', ...time, bytes: body.slice(6) };
  if (type === PORT.record) return { kind: 'record', ...time, bytes: body.slice(6) };
  return { kind: type === PORT.tick ? 'tick' : 'store', ...time };
}

/** Decodes a frame from the board whose CRC-32C is correct. Throws PortError. */
export function decodeOutput(frame: Uint8Array): PortOutput {
  const { type, body, view } = opened(frame);
  switch (type) {
    case PORT.outFrame:
      return { kind: 'frame', bytes: body };
    case PORT.outRecord:
      return { kind: 'record', bytes: body };
    case PORT.done:
      needs(body, type, 12);
      return {
        kind: 'done',
        status: view.getUint32(0, true),
        deadlineMs: view.getUint32(4, true),
        hash: view.getUint32(8, true),
      };
    case PORT.hello:
      return decodeHello(body, view);
    case PORT.trapped:
      needs(body, type, 5);
      return { kind: 'trapped', site: view.getUint32(0, true), reason: body[4] };
    case PORT.answer:
      return {
        kind: 'answer',
        words: Array.from({ length: body.length >> 2 }, (_, word) => view.getUint32(4 * word, true)),
      };
  }
  throw new PortError(`kind ${type} is no output of the port`);
}

function decodeHello(body: Uint8Array, view: DataView): Hello {
  needs(body, PORT.hello, 22);
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
