import type { Message } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { headOf, verifyHead } from '../../host/security/key_epoch.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../host/security/simulated_keys.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { signStatement, statementOf, verifyStatement } from '../../host/security/statement.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';

/** From question to answer. *Assumed* for a processor of some 100 MHz with other work to do; docs/insiders.md has what it costs. */
const serviceMs = 100;
const cachedMax = 4096;

/** The platforms' signature service: signs their nodes' words on their slots, and verifies those of others and the heads of epochs. */
export class StatementService {
  signed = 0;
  verified = 0;
  readonly #seed: number;
  readonly #members: number;
  readonly #queue: EventQueue;
  readonly #publicKeys = new Map<number, Uint8Array>();
  /** What a hundred members verify is verified once. */
  readonly #known = new Map<string, boolean>();
  readonly #answers: (Uint8Array | null)[] = [];
  readonly #boots: number[] = [];

  constructor(seed: number, members: number, queue: EventQueue) {
    this.#seed = seed;
    this.#members = members;
    this.#queue = queue;
  }

  /** Nothing is made before it is needed: honest runs need few. */
  get #keys() {
    return clusterKeys(this.#seed, SIMULATED_CLUSTER, this.#members);
  }

  sign(timeMs: number, node: number, incarnation: number, ticket: number, words: Uint32Array): void {
    const text = statementOf(words);
    if (text === null || text.owner !== node) return;
    this.signed += 1;
    const signature = signStatement(this.#keys.nodeSeed(node), SIMULATED_CLUSTER, text);
    this.#answer(timeMs, node, incarnation, { name: 'signed', ticket, signature });
  }

  verify(timeMs: number, node: number, incarnation: number, ticket: number, words: Uint32Array): void {
    const statement = statementOf(words);
    if (statement === null || statement.owner >= this.#members) return;
    this.verified += 1;
    const name = Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('latin1');
    let ok = this.#known.get(name);
    if (ok === undefined) {
      ok = verifyStatement(this.#publicKey(statement.owner), SIMULATED_CLUSTER, statement);
      if (this.#known.size >= cachedMax) this.#known.clear();
      this.#known.set(name, ok);
    }
    this.#answer(timeMs, node, incarnation, { name: 'verified', ticket, ok: ok ? 1 : 0 });
  }

  /** Whether the head of an epoch is the authority's. */
  checkKeyEpoch(timeMs: number, node: number, incarnation: number, epoch: number, words: Uint32Array): void {
    const head = headOf(words);
    this.verified += 1;
    const ok = head?.epoch === epoch && verifyHead(this.#keys.authorityPublicKey, SIMULATED_CLUSTER, head);
    this.#answer(timeMs, node, incarnation, { name: 'key-epoch-checked', epoch, ok: ok ? 1 : 0 });
  }

  #publicKey(node: number): Uint8Array {
    let key = this.#publicKeys.get(node);
    if (key === undefined) {
      key = nodeSignatures.publicKey(this.#keys.nodeSeed(node));
      this.#publicKeys.set(node, key);
    }
    return key;
  }

  #answer(timeMs: number, node: number, incarnation: number, message: Message): void {
    this.#boots.push(incarnation);
    this.#queue.push(timeMs + serviceMs, node, eventKind.answered, this.#answers.push(encodeMessage(message)) - 1);
  }

  /** The record of an answer that is due, unless the node has booted since. */
  take(index: number, incarnation: number): Uint8Array | null {
    const record = this.#boots[index] === incarnation ? this.#answers[index] : null;
    this.#answers[index] = null;
    return record;
  }
}
