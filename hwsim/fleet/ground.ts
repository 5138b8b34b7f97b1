import { TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { type Cipher, cipherNamed, type CipherName } from '../../host/security/cipher.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../host/security/simulated_keys.ts';
import type { Boards } from '../board/boards.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import { eventKind } from '../kernel/event_kinds.ts';

/** From a key epoch's issue to its beginning: meanwhile its parts spread in the cluster. */
const noticeS = 3600;
/** The parts are sent after the head's signature is verified. */
const partsAfterMs = 5000;

interface ServedCluster {
  readonly seed: number;
  readonly nodes: number;
  /** That of the members' image. */
  readonly cipher: CipherName;
}

/**
 * Simulates the ground's key service, as far as a Byzantine node needs it. In contact windows
 * members report the equivocators that are proven to them. The given number of hours later the
 * ground issues a key epoch without these. Members whose contact window comes then get it,
 * and the cluster spreads it. A proof needs no judgment, so no operator is needed.
 */
export class GroundKeyService implements TraceConsumer {
  /**
   * When the first key epoch without the Byzantine node begins, mission seconds; null: none was
   * issued.
   */
  startS: number | null = null;
  readonly #seed: number;
  readonly #nodes: number;
  readonly #cipher: Cipher;
  readonly #delayMs: number;
  readonly #queue: EventQueue;
  /** By member: the equivocators proven to it. */
  readonly #proven: Set<number>[];
  readonly #excluded = new Set<number>();
  #keyEpoch = 1;
  #records: Uint8Array[] = [];

  constructor({ seed, nodes, cipher }: ServedCluster, delayHours: number, queue: EventQueue) {
    this.#seed = seed;
    this.#nodes = nodes;
    this.#cipher = cipherNamed(cipher);
    this.#delayMs = delayHours * 3_600_000;
    this.#queue = queue;
    this.#proven = Array.from({ length: nodes }, () => new Set());
  }

  event(_timeMs: number, node: number, fields: Uint32Array): void {
    const [type, owner, , , proven] = fields;
    if (type === TYPE.equivocated && proven === 1) this.#proven[node].add(owner);
  }

  /** Begins a member's contact window: takes its report and sends the newest key epoch's head. */
  contact(timeMs: number, node: number, boards: Boards): void {
    if (this.#excluded.has(node)) return;
    for (const owner of this.#proven[node]) {
      if (this.#excluded.has(owner)) continue;
      this.#excluded.add(owner);
      this.#queue.push(timeMs + this.#delayMs, -1, eventKind.issue);
    }
    if (this.#records.length === 0) return;
    boards.observeRecord(timeMs, node, this.#records[0]);
    this.#queue.push(timeMs + partsAfterMs, node, eventKind.parts);
  }

  /** Issues the next key epoch without the excluded members. */
  issue(timeMs: number): void {
    const keys = clusterKeys(this.#seed, SIMULATED_CLUSTER, this.#nodes);
    this.#keyEpoch += 1;
    const startS = Math.floor(timeMs / 1000) + noticeS;
    const secret = keys.secret(this.#keyEpoch);
    const members = Array.from({ length: this.#nodes }, (_, member) => member);
    const keyEpoch = { keyEpoch: this.#keyEpoch, startS, secret };
    const { head, parts } = makeKeyEpoch(keys.authority, keyEpoch, members, this.#excluded, this.#cipher);
    this.#records = [head, ...parts].map((message) => encodeMessage(message));
    this.startS ??= startS;
  }

  /** Sends a member the key epoch's parts. */
  parts(timeMs: number, node: number, boards: Boards): void {
    for (const record of this.#records.slice(1)) boards.observeRecord(timeMs, node, record);
  }
}
