import type { Message } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { headOf, verifyHead } from '../../host/security/key_epoch.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { signStatement, statementOf, verifyStatement } from '../../host/security/statement.ts';
import { signSummary, summaryOf } from '../../host/security/summary.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';

/**
 * From question to answer. *Assumed* for a processor of some 100 MHz with other work to do;
 * docs/insiders.md has the costs.
 */
const serviceMs = 100;
const cachedMax = 4096;

/**
 * Simulates the platforms' signature service: signs their nodes' statements and summaries, and
 * verifies those of others and heads of key epochs.
 */
export class StatementService {
  signed = 0;
  verified = 0;
  readonly #seed: number;
  readonly #cluster: number;
  readonly #members: number;
  readonly #queue: EventQueue;
  readonly #publicKeys = new Map<number, Uint8Array>();
  /** Results by signed text: what a hundred members verify is computed once. */
  readonly #known = new Map<string, boolean>();
  readonly #answers: (Uint8Array | null)[] = [];
  readonly #boots: number[] = [];
  /** Places of answers that were taken. */
  readonly #free: number[] = [];

  constructor(seed: number, cluster: number, members: number, queue: EventQueue) {
    this.#seed = seed;
    this.#cluster = cluster;
    this.#members = members;
    this.#queue = queue;
  }

  /** Made when first needed: runs without a Byzantine node need few. */
  get #keys() {
    return clusterKeys(this.#seed, this.#cluster, this.#members);
  }

  sign(timeMs: number, node: number, incarnation: number, ticket: number, words: Uint32Array): void {
    const text = statementOf(words);
    if (text === null || text.owner !== node) return;
    this.signed += 1;
    const signature = signStatement(this.#keys.nodeSeed(node), this.#cluster, text);
    this.#answer(timeMs, node, incarnation, { name: 'signed', ticket, signature });
  }

  verify(timeMs: number, node: number, incarnation: number, ticket: number, words: Uint32Array): void {
    const statement = statementOf(words);
    if (statement === null || statement.owner >= this.#members) return;
    this.verified += 1;
    const name = Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('latin1');
    let ok = this.#known.get(name);
    if (ok === undefined) {
      ok = verifyStatement(this.#publicKey(statement.owner), this.#cluster, statement);
      if (this.#known.size >= cachedMax) this.#known.clear();
      this.#known.set(name, ok);
    }
    this.#answer(timeMs, node, incarnation, { name: 'verified', ticket, ok: ok ? 1 : 0 });
  }

  /** Verifies whether the head of a key epoch is the authority's. */
  checkKeyEpoch(timeMs: number, node: number, incarnation: number, keyEpoch: number, words: Uint32Array): void {
    const head = headOf(words);
    this.verified += 1;
    const ok = head?.keyEpoch === keyEpoch && verifyHead(this.#keys.authorityPublicKey, this.#cluster, head);
    this.#answer(timeMs, node, incarnation, { name: 'key-epoch-checked', keyEpoch, ok: ok ? 1 : 0 });
  }

  /** Signs the summary that the node's image shows. */
  signSummary(timeMs: number, node: number, incarnation: number, sequence: number, words: Uint32Array): void {
    const message = summaryOf(words);
    if (message === null) return;
    this.signed += 1;
    const signature = signSummary(this.#keys.nodeSeed(node), message);
    this.#answer(timeMs, node, incarnation, { name: 'summary-signed', sequence, signature });
  }

  /** Says whether the summary in a place of the node's image is signed. */
  verifyForeign(timeMs: number, node: number, incarnation: number, place: number, isSigned: boolean): void {
    this.verified += 1;
    this.#answer(timeMs, node, incarnation, { name: 'foreign-verified', place, ok: isSigned ? 1 : 0 });
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
    const index = this.#free.pop() ?? this.#answers.length;
    this.#boots[index] = incarnation;
    this.#answers[index] = encodeMessage(message);
    this.#queue.push(timeMs + serviceMs, node, eventKind.answered, index);
  }

  /** Takes the record of an answer that is due; null when the node has booted since. */
  take(index: number, incarnation: number): Uint8Array | null {
    const record = this.#boots[index] === incarnation ? this.#answers[index] : null;
    this.#answers[index] = null;
    this.#free.push(index);
    return record;
  }
}
