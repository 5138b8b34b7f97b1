import { FIELD, type KeyEpochHead, type KeyEpochPart, type Message, TYPE } from '../cbor/generated.ts';
import { encodeMessage } from '../cbor/message.ts';
import { headOf, type LinkKeys, verifyHead } from '../security/key_epoch.ts';
import { nodeSignatures, type SignatureService } from '../security/signature.ts';
import { signStatement, statementOf, verifyStatement } from '../security/statement.ts';
import type { Memory } from './memory.ts';

/** Keys and identities of a node's cluster, besides the keys that the firmware holds. */
export interface NodeLink {
  readonly cluster: number;
  readonly self: number;
  readonly keys: LinkKeys;
  /** Public key of the authority: its signature on a new key epoch is believed. */
  readonly authorityPublicKey: Uint8Array;
  /** Seed of this member's own Ed25519 key pair. */
  readonly seed: Uint8Array;
  /** A member's public key; undefined: there is no such member. */
  publicKeyOf(member: number): Uint8Array | undefined;
}

/** `inspect` of what is to be verified or signed. */
const whatKeys = 12;
const whatStatement = 13;

/** The firmware's `inspect`: returns the words of its answer. */
export type Inspect = (what: number, index: number) => Uint32Array;

/**
 * Does the platform's part in the security of links (docs/security.md, docs/insiders.md): counters
 * in non-volatile memory, and signatures, which do not fit the budget of a call into the image.
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

  /**
   * The answer to a command of the link's; null if it needs none. A reservation is on the disk
   * before it is answered.
   */
  obey(command: Uint32Array, inspect: Inspect): Message | null {
    switch (command[0]) {
      case TYPE.reserveCounters:
        this.#memory.reserve(command[FIELD.reserveCounters.cycle]);
        return { name: 'counters-reserved', cycle: this.#memory.reserved };
      case TYPE.checkKeyEpoch:
        return this.#checkKeyEpoch(command[FIELD.checkKeyEpoch.keyEpoch], inspect(whatKeys, 0));
      case TYPE.sign:
        return this.#sign(command[FIELD.sign.ticket], inspect);
      case TYPE.verify:
        return this.#verify(command[FIELD.verify.ticket], inspect);
      default:
        return null;
    }
  }

  #checkKeyEpoch(keyEpoch: number, words: Uint32Array): Message {
    const { authorityPublicKey, cluster } = this.#link;
    const head = headOf(words);
    const isRight = head?.keyEpoch === keyEpoch && verifyHead(authorityPublicKey, cluster, head, this.#signatures);
    return { name: 'key-epoch-checked', keyEpoch, ok: isRight ? 1 : 0 };
  }

  /** Signs this node's own statements, and no others. */
  #sign(ticket: number, inspect: Inspect): Message | null {
    const { cluster, self, seed } = this.#link;
    const text = statementOf(inspect(whatStatement, ticket));
    if (text === null || text.owner !== self) return null;
    return { name: 'signed', ticket, signature: signStatement(seed, cluster, text, this.#signatures) };
  }

  #verify(ticket: number, inspect: Inspect): Message | null {
    const statement = statementOf(inspect(whatStatement, ticket));
    if (statement === null) return null;
    const key = this.#link.publicKeyOf(statement.owner);
    const isRight = key !== undefined && verifyStatement(key, this.#link.cluster, statement, this.#signatures);
    return { name: 'verified', ticket, ok: isRight ? 1 : 0 };
  }
}

/**
 * Encodes the messages of a bundle for `observe`: heads, each before its parts. Throws if the
 * bundle holds anything else, or if a head and its parts do not belong together: of half a bundle
 * some members would learn the key epoch, and others would not.
 */
export function uplinkRecords(messages: readonly (Message | { name: 'unknown' })[]): Uint8Array[] {
  let head: KeyEpochHead | null = null;
  let nodes = new Set<number>();
  for (const message of messages) {
    if (message.name === 'key-epoch-head') {
      requireWhole(head, nodes);
      head = message;
      nodes = new Set();
    } else if (message.name === 'key-epoch-part') {
      requirePartOf(head, nodes, message);
      nodes.add(message.node);
    } else throw new Error(`a message '${message.name}' is none that a ground link gives`);
  }
  requireWhole(head, nodes);
  return messages.map((message) => encodeMessage(message as Message));
}

function requirePartOf(head: KeyEpochHead | null, nodes: ReadonlySet<number>, { keyEpoch, node }: KeyEpochPart): void {
  if (head === null || head.keyEpoch !== keyEpoch)
    throw new Error(`a part of key epoch ${keyEpoch} does not stand behind the head of that key epoch`);
  if (nodes.has(node)) throw new Error(`key epoch ${keyEpoch} has two parts for node ${node} of the key tree`);
}

function requireWhole(head: KeyEpochHead | null, nodes: ReadonlySet<number>): void {
  if (head !== null && head.parts !== nodes.size)
    throw new Error(`the head of key epoch ${head.keyEpoch} counts ${head.parts} parts, and ${nodes.size} are here`);
}
