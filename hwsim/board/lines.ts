import { ANSWER, CODE_BYTES, INSPECT, LINE_BYTES } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';

/** The layout of protected lines, each with a code, in an image's context. */
export interface Lines {
  linesAt: number;
  codesAt: number;
  count: number;
}

/** Words of the answers up to the last one that is read here. */
const layoutWords = ANSWER.layout.lines + 1;
const protectionWords = ANSWER.protection.beganS + 1;

/** Bytes for the answers to the queries here. */
export const answerBytes = 128;

/**
 * Returns the lines of an image's contexts, as a booted context reports them; null when there are
 * none. `out`: address of `answerBytes` bytes.
 */
export function linesOf(engine: Engine, context: number, out: number): Lines | null {
  const words = engine.calls.inspect(context, INSPECT.layout, 0, out, answerBytes);
  if (words !== layoutWords) return null;
  const view = new DataView(engine.view().buffer, out);
  const wordAt = (word: number) => view.getUint32(4 * word, true);
  const [linesAt, codesAt, count] = [ANSWER.layout.linesAt, ANSWER.layout.codesAt, ANSWER.layout.lines].map(wordAt);
  const contextBytes = wordAt(ANSWER.layout.contextBytes);
  if (contextBytes !== engine.image.contextBytes || codesAt + count * CODE_BYTES > contextBytes) return null;
  return { linesAt, codesAt, count };
}

/**
 * Returns the line of a context byte, which is in the line or in its code; −1: the byte is not
 * protected.
 */
export function lineOfByte({ linesAt, codesAt, count }: Lines, byte: number): number {
  const line = byte >= codesAt ? Math.floor((byte - codesAt) / CODE_BYTES) : Math.floor((byte - linesAt) / LINE_BYTES);
  return byte >= linesAt && line < count ? line : -1;
}

/**
 * Returns null when the image does not report on its protection, or traps over the query because of
 * its context's state.
 */
function protectionOf(engine: Engine, context: number, out: number): number[] | null {
  try {
    if (engine.calls.inspect(context, INSPECT.protection, 0, out, answerBytes) < protectionWords) return null;
  } catch (error) {
    if (!engine.isTrap(error)) throw error;
    return null;
  }
  const view = new DataView(engine.view().buffer, out);
  return Array.from({ length: protectionWords }, (_, word) => view.getUint32(4 * word, true));
}

/** Returns how many lines the image reports to have evicted because they could not be corrected. */
export function evictedOf(engine: Engine, context: number, out: number): number {
  return protectionOf(engine, context, out)?.[ANSWER.protection.evicted] ?? 0;
}

/**
 * Finds the line with the image's own counts of the protection, by the values that it reports; −1:
 * not exactly one line matches. The line begins with corrected u32, evicted u32, next line to scrub
 * u16, passes u16, second of the pass's start u32.
 */
export function protectionLine(lines: Lines, engine: Engine, context: number, out: number): number {
  const words = protectionOf(engine, context, out);
  if (words === null) return -1;
  const { corrected, evicted, cursor, passes, beganS } = ANSWER.protection;
  const view = new DataView(engine.view().buffer, context + lines.linesAt, lines.count * LINE_BYTES);
  const found: number[] = [];
  for (let line = 0; line < lines.count; line += 1) {
    const at = line * LINE_BYTES;
    const counts = view.getUint32(at, true) === words[corrected] && view.getUint32(at + 4, true) === words[evicted];
    const place =
      view.getUint16(at + 8, true) === words[cursor] && view.getUint16(at + 10, true) === (words[passes] & 0xffff);
    if (counts && place && view.getUint32(at + 12, true) === words[beganS]) found.push(line);
  }
  return found.length === 1 ? found[0] : -1;
}

/** Copies a line and its code. */
export function lineBytesAt(lines: Lines, memory: Uint8Array, context: number, line: number): Uint8Array {
  const at = context + lines.linesAt + line * LINE_BYTES;
  const codeAt = context + lines.codesAt + line * CODE_BYTES;
  return Buffer.concat([memory.subarray(at, at + LINE_BYTES), memory.subarray(codeAt, codeAt + CODE_BYTES)]);
}

/** Writes back what `lineBytesAt` returned. */
export function putLineBytes(lines: Lines, memory: Uint8Array, context: number, line: number, bytes: Uint8Array): void {
  memory.set(bytes.subarray(0, LINE_BYTES), context + lines.linesAt + line * LINE_BYTES);
  memory.set(bytes.subarray(LINE_BYTES), context + lines.codesAt + line * CODE_BYTES);
}
