import type { Engine } from '../engine/engine.ts';
import { FRAME_BYTES_MAX } from '../cbor/generated.ts';
import type { PlatformHandler, PlatformLoop, Trap } from './loop.ts';

/**
 * Ignores all that an image gives out. A base for platforms that look at some of it; a trap is
 * thrown as an error.
 */
export class IdlePlatform implements PlatformHandler {
  protected readonly outFrame: number;

  constructor(engine: Engine) {
    this.outFrame = engine.reserve(FRAME_BYTES_MAX);
  }

  booted(_loop: PlatformLoop): void {}

  frameAt(_loop: PlatformLoop): number {
    return this.outFrame;
  }

  send(_loop: PlatformLoop, _at: number, _length: number): void {}

  command(_loop: PlatformLoop, _length: number): void {}

  obey(_loop: PlatformLoop, _type: number): boolean {
    return true;
  }

  event(_loop: PlatformLoop, _length: number): void {}

  deadline(_loop: PlatformLoop, _waitMs: number): void {}

  trapped({ node }: PlatformLoop, { site, isBooting, message }: Trap): void {
    throw new Error(`node ${node} trapped at site ${site}${isBooting ? ' while it booted' : ''}: ${message}`);
  }
}
