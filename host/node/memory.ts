import type { CheckpointSource } from '../platform/buffers.ts';
import { BOOTS_MAX } from '../cbor/generated.ts';
import { type Store, StoreError, type StoredRecord } from '../store/store.ts';
import type { Log } from './log.ts';

/** incarnation, resets, reserved: u32 each, big-endian. */
const countersBytes = 12;

interface Counters {
  readonly incarnation: number;
  readonly resets: number;
  readonly reserved: number;
}

/** Reads the record `counters`; null: its size is of none. */
export function readCounters(bytes: Uint8Array): Counters | null {
  if (bytes.length !== countersBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { incarnation: view.getUint32(0), resets: view.getUint32(4), reserved: view.getUint32(8) };
}

/**
 * Keeps a node's state through a reset: its checkpoint, two counters, and the reservation of frame
 * counters. Without a folder the state is lost with the process, as on a test bench.
 */
export class Memory implements CheckpointSource {
  private readonly store: Store | null;
  private readonly log: Log;
  /** True when an earlier run of this node left its state. */
  readonly hasHistory: boolean = false;
  private incarnation = 0;
  private resetCount = 0;
  private reservedCycle = 0;
  private checkpoint: Uint8Array | null = null;
  /** Checkpoints that verified when the newest was read, the newest first. */
  private checkpoints: readonly StoredRecord[] = [];

  /**
   * `mayBeEmpty`: a store without counters is one of a first boot, as with keys for tests;
   * otherwise it may be a store that was lost, and the node waits as long as it can have reserved.
   */
  constructor(store: Store | null, log: Log, mayBeEmpty = true) {
    this.store = store;
    this.log = log;
    if (store === null) return;
    const { records, faults } = store.read('counters');
    const sized = records.flatMap(({ bytes }) => readCounters(bytes) ?? []);
    if (sized.length < records.length)
      faults.push(`${store.folder}: a record of counters has not ${countersBytes} bytes`);
    for (const fault of faults) log('store-fault', {}, fault);
    this.hasHistory = sized.length > 0 || faults.length > 0;
    if (sized.length === 0) {
      // The counters are lost: this is not the first boot, and frame counters must begin where none
      // was ever used.
      if (this.hasHistory || !mayBeEmpty) this.incarnation = 1;
      return;
    }
    const [{ incarnation, resets, reserved }] = sized;
    this.incarnation = incarnation;
    this.resetCount = resets;
    this.reservedCycle = reserved;
  }

  /** Boots of this node that were counted. */
  get boots(): number {
    return this.incarnation;
  }

  /** Processor resets in a row. */
  get resets(): number {
    return this.resetCount;
  }

  /** Frame counter up to which a reservation was made; 0: none was. */
  get reserved(): number {
    return this.reservedCycle;
  }

  /**
   * Reserves counters up to a cycle. On return both records hold the reservation: a record that is
   * corrupted later must not bring an old reservation back, because a counter that is used twice
   * would reveal what it encrypts.
   */
  reserve(cycle: number): void {
    this.reservedCycle = Math.max(this.reservedCycle, cycle);
    this.saveCounters();
    this.saveCounters();
  }

  /** Counts a boot; on return the count is on the disk. Throws StoreError. */
  nextIncarnation(): number {
    if (this.incarnation >= BOOTS_MAX) {
      const next = 'make the cluster anew under another number (heliograph keys init)';
      throw new StoreError(
        `this node has booted ${this.incarnation} times, ${BOOTS_MAX} are allowed: ${next}`,
        'boots',
      );
    }
    this.incarnation += 1;
    this.saveCounters();
    return this.incarnation;
  }

  setResets(count: number): void {
    this.resetCount = count;
    this.saveCounters();
  }

  /** Reads a checkpoint. The newest is looked for anew; corrupt ones are reported to the log. */
  read(age: 0 | 1): Uint8Array | null {
    if (age === 0) this.checkpoints = this.readCheckpoints();
    return this.checkpoints[age]?.bytes ?? null;
  }

  private readCheckpoints(): readonly StoredRecord[] {
    // Sequence 0: the checkpoint lies in no store.
    if (this.store === null) return this.checkpoint === null ? [] : [{ bytes: this.checkpoint, sequence: 0 }];
    const { records, faults } = this.store.read('checkpoint');
    for (const fault of faults)
      this.log(
        'store-fault',
        {},
        `${fault}; ${records.length === 0 ? 'no other is left' : 'the one before it is used'}`,
      );
    return records;
  }

  invalidate(age: 0 | 1, why: string): void {
    this.log('checkpoint-refused', {}, `${why}; it is not tried again`);
    if (this.store === null) this.checkpoint = null;
    else this.store.reject('checkpoint', this.checkpoints[age].sequence);
  }

  saveCheckpoint(image: Uint8Array): void {
    this.checkpoint = image;
    this.store?.write('checkpoint', image);
  }

  private saveCounters(): void {
    const bytes = new Uint8Array(countersBytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.incarnation);
    view.setUint32(4, this.resetCount);
    view.setUint32(8, this.reservedCycle);
    this.store?.write('counters', bytes);
  }
}
