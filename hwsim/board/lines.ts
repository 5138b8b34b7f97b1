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
/** `inspect` of the protection: corrected, dropped, … */
const whatProtection = 11;
const droppedWord = 1;

/** Room that the questions here want for their answers. */
export const answerBytes = 128;

/** The lines of an image's contexts, by the word of one that is booted; null when there are none. `out`: room for `answerBytes`. */
export function linesOf(engine: Engine, context: number, out: number): Lines | null {
  const words = engine.calls.inspect(context, whatLayout, 0, out, answerBytes);
  if (words !== layoutWords) return null;
  const view = new DataView(engine.view().buffer, out);
  const [linesAt, , codesAt, , contextBytes, count] = Array.from({ length: words }, (_, word) => view.getUint32(4 * word, true));
  if (contextBytes !== engine.image.contextBytes || codesAt + count * codeBytes > contextBytes) return null;
  return { linesAt, codesAt, count };
}

/** The line that a byte of the context belongs to, as itself or as part of its code; −1: it is not protected. */
export function lineOfByte({ linesAt, codesAt, count }: Lines, byte: number): number {
  const line = byte >= codesAt ? Math.floor((byte - codesAt) / codeBytes) : Math.floor((byte - linesAt) / lineBytes);
  return byte >= linesAt && line < count ? line : -1;
}

/** How many lines the image of this context says to have let go of, because they could not be put right. */
export function droppedOf(engine: Engine, context: number, out: number): number {
  if (engine.calls.inspect(context, whatProtection, 0, out, answerBytes) <= droppedWord) return 0;
  return new DataView(engine.view().buffer, out).getUint32(4 * droppedWord, true);
}

/** A line, and its code, as they stand in memory. */
export function lineBytesAt(lines: Lines, memory: Uint8Array, context: number, line: number): Uint8Array {
  const at = context + lines.linesAt + line * lineBytes;
  const codeAt = context + lines.codesAt + line * codeBytes;
  return Buffer.concat([memory.subarray(at, at + lineBytes), memory.subarray(codeAt, codeAt + codeBytes)]);
}
