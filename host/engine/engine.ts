/**
 * The interface between an engine that runs the firmware image and everything that uses one: the
 * host and the simulator. docs/abi.md describes the calls.
 */

/**
 * The image's exports (docs/abi.md). Every parameter and result is i32; `ctx` is the address of a
 * context, `nowS, nowMs` are the processor's own clock.
 */
export interface FirmwareCalls {
  abi_version(): number;
  context_bytes(): number;
  memory_base(): number;
  checkpoint_bytes(): number;
  boot(ctx: number, config: number, length: number, cause: number, nowS: number, nowMs: number): number;
  receive(ctx: number, nowS: number, nowMs: number, frame: number, length: number): number;
  observe(ctx: number, nowS: number, nowMs: number, record: number, length: number): number;
  tick(ctx: number, nowS: number, nowMs: number): number;
  transmit(ctx: number, nowS: number, nowMs: number, out: number, capacity: number): number;
  command(ctx: number, out: number, capacity: number): number;
  event(ctx: number, out: number, capacity: number): number;
  checkpoint(ctx: number, out: number, capacity: number): number;
  restore(
    ctx: number,
    image: number,
    length: number,
    config: number,
    configLength: number,
    cause: number,
    nowS: number,
    nowMs: number,
  ): number;
  hash(ctx: number): number;
  inspect(ctx: number, what: number, index: number, out: number, capacity: number): number;
  trap_site(): number;
  verdict(ctx: number, owner: number, slot: number, nowS: number, nowMs: number): number;
}

/** Identity and sizes of an image. */
export interface ImageFacts {
  /** SHA-256 of the image file, lower-case hex. */
  sha256: string;
  /** Size of the image file. */
  bytes: number;
  contextBytes: number;
  checkpointBytes: number;
  /** The image has the null cipher: it is for the simulator only. */
  isCipherNull: boolean;
}

/**
 * One instance of the image with its linear memory, which holds the contexts of thousands of nodes.
 */
export interface Engine {
  readonly name: string;
  readonly image: ImageFacts;
  readonly calls: FirmwareCalls;
  /**
   * Reserves `bytes` zeroed bytes above the image's static data; returns their address, 16-aligned.
   * Grows the memory, which makes every earlier `view()` stale. Throws when 4 GiB would be
   * exceeded: then take another engine.
   */
  reserve(bytes: number): number;
  /**
   * Loads the image's static data as a new instance has them; contexts and buffers are kept. Bits
   * flip there too, and a constant that cannot be corrected would trap every boot anew.
   */
  loadStatics(): void;
  /** All of linear memory. Valid until the next `reserve`. */
  view(): Uint8Array;
  /** True when `error`, thrown by a call, is a trap of the firmware and not a fault of the host. */
  isTrap(error: unknown): boolean;
}
