import { type EpochHead, FIELD, type Message, TYPE } from '../cbor/generated.ts';
import { encodeMessage } from '../cbor/message.ts';
import { COMMITMENT_BYTES, verifyHead } from '../security/epoch.ts';
import { nodeSignatures, signatureBytes, type SignatureService } from '../security/signature.ts';
import type { LinkKeys } from './config.ts';
import type { Memory } from './memory.ts';

/** What a node knows of its cluster's keys besides those that the firmware holds. */
export interface NodeLink {
  readonly cluster: number;
  readonly keys: LinkKeys;
  /** Whose word on a new epoch counts. */
  readonly authorityPublicKey: Uint8Array;
}

/** `inspect` of the head that waits for its signature to be checked (firmware/edge/inspect.ts). */
const whatKeys = 12;
const headBytes = 12 + COMMITMENT_BYTES + signatureBytes;

/** The firmware's `inspect`: the bytes of its answer. */
export type Inspect = (what: number, index: number) => Uint8Array;

/**
 * The platform's part in the security of links (docs/security.md): counters in non-volatile memory, and signatures, which do not fit the budget of a
 * call into the image.
 */
export class LinkPlatform {
  readonly #link: NodeLink;
  readonly #memory: Memory;
  readonly #signatures: SignatureService;

  constructor(link: NodeLink, memory: Memory, signatures: SignatureService = nodeSignatures) {
    this.#link = link;
    this.#memory = memory;
    this.#signatures = signatures;
  }

  /** The answer to a command, as a record; null if the command is none of the link's. A reservation is on the disk before it is answered. */
  obey(command: Uint32Array, inspect: Inspect): readonly number[] | null {
    if (command[0] === TYPE.reserveCounters) {
      this.#memory.reserve(command[FIELD.reserveCounters.cycle]);
      return [TYPE.countersReserved, this.#memory.reserved];
    }
    if (command[0] !== TYPE.checkEpoch) return null;
    const epoch = command[FIELD.checkEpoch.epoch];
    const head = headOf(inspect(whatKeys, 0));
    const isRight =
      head !== null &&
      head.epoch === epoch &&
      verifyHead(this.#link.authorityPublicKey, this.#link.cluster, head, this.#signatures);
    return [TYPE.epochChecked, epoch, isRight ? 1 : 0];
  }
}

function headOf(bytes: Uint8Array): Omit<EpochHead, 'name'> | null {
  if (bytes.length !== headBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    epoch: view.getUint32(0, true),
    startS: view.getUint32(4, true),
    parts: view.getUint32(8, true),
    commitment: bytes.slice(12, 12 + COMMITMENT_BYTES),
    signature: bytes.slice(12 + COMMITMENT_BYTES),
  };
}

/** The records of a bundle that are for observe(): heads, each before its parts. Throws if it holds anything else. */
export function uplinkRecords(messages: readonly (Message | { name: 'unknown' })[]): Uint8Array[] {
  return messages.map((message) => {
    if (message.name !== 'epoch-head' && message.name !== 'epoch-part')
      throw new Error(`a message '${message.name}' is none that a ground link gives`);
    return encodeMessage(message);
  });
}
