import { FRAME_BYTES_MAX } from '../cbor/generated.ts';
import { hasRightChecksum } from './framing.ts';
import { type OnFrame, type Radio, type RadioCounters, zeroCounters } from './radio.ts';

/**
 * Connects members within one process: what one member sends, all others get before `send` returns.
 */
export class LoopbackMedium {
  private readonly members: LoopbackRadio[] = [];

  join(onFrame: OnFrame): Radio {
    const radio = new LoopbackRadio(this, onFrame, `loopback member ${this.members.length}`);
    this.members.push(radio);
    return radio;
  }

  /** For LoopbackRadio only. */
  carry(from: LoopbackRadio, frame: Uint8Array): void {
    for (const member of this.members) if (member !== from) member.take(frame.slice());
  }

  /** For LoopbackRadio only. */
  leave(radio: LoopbackRadio): void {
    const at = this.members.indexOf(radio);
    if (at >= 0) this.members.splice(at, 1);
  }
}

class LoopbackRadio implements Radio {
  readonly counters: RadioCounters = zeroCounters();
  readonly description: string;
  private readonly medium: LoopbackMedium;
  private readonly onFrame: OnFrame;

  constructor(medium: LoopbackMedium, onFrame: OnFrame, description: string) {
    this.medium = medium;
    this.onFrame = onFrame;
    this.description = description;
  }

  send(frame: Uint8Array): void {
    this.counters.framesSent += 1;
    this.medium.carry(this, frame);
  }

  take(frame: Uint8Array): void {
    if (frame.length === 0 || frame.length > FRAME_BYTES_MAX) this.counters.badLengths += 1;
    else if (!hasRightChecksum(frame)) this.counters.badChecksums += 1;
    else {
      this.counters.framesReceived += 1;
      this.onFrame(frame);
    }
  }

  async close(): Promise<void> {
    this.medium.leave(this);
  }
}
