import type { Engine } from '../../host/engine/engine.ts';

/** The layout of protected lines, each with a code, in an image's context. */
export interface Lines {
  linesAt: number;
  codesAt: number;
  count: number;
}

const lineBytes = 64;
const codeBytes = 8;
/** `inspect` of the layout: firmware/edge/inspect.ts. */
const whatLayout = 9;
const layoutWords = 6;
/**
 * `inspect` of the protection: corrected, dropped, next line to scrub, lines, passes, second of the
 * pass's start, …
 */
const whatProtection = 11;
const protectionWords = 6;

/** Bytes for the answers to the queries here. */
export const answerBytes = 128;

/**
 * Returns the lines of an image's contexts, as a booted context reports them; null when there are
 * none. `out`: address of `answerBytes` bytes.
 */
export function linesOf(engine: Engine, context: number, out: number): Lines | null {
  const words = engine.calls.inspect(context, whatLayout, 0, out, answerBytes);
  if (words !== layoutWords) return null;
  const view = new DataView(engine.view().buffer, out);
  const [linesAt, , codesAt, , contextBytes, count] = Array.from({ length: words }, (_, word) =>
    view.getUint32(4 * word, true),
  );
  if (contextBytes !== engine.image.contextBytes || codesAt + count * codeBytes > contextBytes) return null;
  return { linesAt, codesAt, count };
}

/**
 * Returns the line of a context byte, which is in the line or in its code; −1: the byte is not
 * protected.
 */
export function lineOfByte({ linesAt, codesAt, count }: Lines, byte: number): number {
  const line = byte >= codesAt ? Math.floor((byte - codesAt) / codeBytes) : Math.floor((byte - linesAt) / lineBytes);
  return byte >= linesAt && line < count ? line : -1;
}

/**
 * Returns null when the image does not report on its protection, or traps over the query because of
 * its context's state.
 */
function protectionOf(engine: Engine, context: number, out: number): number[] | null {
  try {
    if (engine.calls.inspect(context, whatProtection, 0, out, answerBytes) < protectionWords) return null;
  } catch (error) {
    if (!engine.isTrap(error)) throw error;
    return null;
  }
  const view = new DataView(engine.view().buffer, out);
  return Array.from({ length: protectionWords }, (_, word) => view.getUint32(4 * word, true));
}

/** Returns how many lines the image reports to have evicted because they could not be corrected. */
export function evictedOf(engine: Engine, context: number, out: number): number {
  return protectionOf(engine, context, out)?.[1] ?? 0;
}

/**
 * Finds the line with the image's own counts of the protection, by the values that it reports; −1:
 * not exactly one line matches. The line begins with corrected u32, dropped u32, next line to scrub
 * u16, passes u16, second of the pass's start u32.
 */
export function protectionLine(lines: Lines, engine: Engine, context: number, out: number): number {
  const words = protectionOf(engine, context, out);
  if (words === null) return -1;
  const [corrected, dropped, cursor, , passes, beganS] = words;
  const view = new DataView(engine.view().buffer, context + lines.linesAt, lines.count * lineBytes);
  const found: number[] = [];
  for (let line = 0; line < lines.count; line += 1) {
    const at = line * lineBytes;
    const counts = view.getUint32(at, true) === corrected && view.getUint32(at + 4, true) === dropped;
    const place = view.getUint16(at + 8, true) === cursor && view.getUint16(at + 10, true) === (passes & 0xffff);
    if (counts && place && view.getUint32(at + 12, true) === beganS) found.push(line);
  }
  return found.length === 1 ? found[0] : -1;
}

/** Copies a line and its code. */
export function lineBytesAt(lines: Lines, memory: Uint8Array, context: number, line: number): Uint8Array {
  const at = context + lines.linesAt + line * lineBytes;
  const codeAt = context + lines.codesAt + line * codeBytes;
  return Buffer.concat([memory.subarray(at, at + lineBytes), memory.subarray(codeAt, codeAt + codeBytes)]);
}

/** Writes back what `lineBytesAt` returned. */
export function putLineBytes(lines: Lines, memory: Uint8Array, context: number, line: number, bytes: Uint8Array): void {
  memory.set(bytes.subarray(0, lineBytes), context + lines.linesAt + line * lineBytes);
  memory.set(bytes.subarray(lineBytes), context + lines.codesAt + line * codeBytes);
}
