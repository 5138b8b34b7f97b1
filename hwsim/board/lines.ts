import type { Engine } from '../../host/engine/engine.ts';

/** How the image's context is cut into protected lines, each with a code. */
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
/** `inspect` of the protection: corrected, dropped, next line to scrub, lines, passes, second the pass began, … */
const whatProtection = 11;
const protectionWords = 6;

/** Room that the questions here want for their answers. */
export const answerBytes = 128;

/** The lines of an image's contexts, by the word of one that is booted; null when there are none. `out`: room for `answerBytes`. */
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

/** The line that a byte of the context belongs to, as itself or as part of its code; −1: it is not protected. */
export function lineOfByte({ linesAt, codesAt, count }: Lines, byte: number): number {
  const line = byte >= codesAt ? Math.floor((byte - codesAt) / codeBytes) : Math.floor((byte - linesAt) / lineBytes);
  return byte >= linesAt && line < count ? line : -1;
}

/** null: the image keeps no books on that, or its context is in such a state that it breaks off over the question. */
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

/** How many lines the image of this context says to have let go of, because they could not be put right. */
export function droppedOf(engine: Engine, context: number, out: number): number {
  return protectionOf(engine, context, out)?.[1] ?? 0;
}

/**
 * The line in which the image keeps books on its protection, found by what it says of it; −1: there is none that is like no other. It begins with corrected u32, dropped u32, next line
 * to scrub u16, passes u16, second the pass began u32.
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

/** A line, and its code, as they stand in memory. */
export function lineBytesAt(lines: Lines, memory: Uint8Array, context: number, line: number): Uint8Array {
  const at = context + lines.linesAt + line * lineBytes;
  const codeAt = context + lines.codesAt + line * codeBytes;
  return Buffer.concat([memory.subarray(at, at + lineBytes), memory.subarray(codeAt, codeAt + codeBytes)]);
}

/** Writes what `lineBytesAt` gave. */
export function putLineBytes(lines: Lines, memory: Uint8Array, context: number, line: number, bytes: Uint8Array): void {
  memory.set(bytes.subarray(0, lineBytes), context + lines.linesAt + line * lineBytes);
  memory.set(bytes.subarray(lineBytes), context + lines.codesAt + line * codeBytes);
}
