import type { EpochHead } from '../cbor/generated.ts';

/** Words of inspect(12, 0): epoch, startS, parts, four of commitment, sixteen of signature, as in memory. */
const words = { commitment: 3, signature: 7, end: 23 } as const;

function bytesOf(from: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(from).buffer);
}

/** The head whose signature the firmware asks about, from the words that inspect(12, 0) gives; null: none waits. */
export function headOf(inspected: readonly number[]): EpochHead | null {
  if (inspected.length < words.end) return null;
  const [epoch, startS, parts] = inspected;
  const commitment = bytesOf(inspected.slice(words.commitment, words.signature));
  const signature = bytesOf(inspected.slice(words.signature, words.end));
  return { name: 'epoch-head', epoch, startS, parts, commitment, signature };
}
