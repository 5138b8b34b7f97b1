import { firmwareConstants } from '../../emulator/memory_map.ts';
import { loopBufferBytes } from '../../../host/board/build.ts';
import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import type { RamSpan, Snapshot } from './subject.ts';
import { linearAddress } from './inject.ts';

const lineBytes = 64;
const codeBytes = 8;
/** Of the queues' counters: where the next event stands, and how many wait. */
const eventFirstAt = 26;
const eventCountAt = 27;

/** Offset in the span of the first line of the protected block. */
export function lineOrigin(target: Target, elf: Elf, engine: Engine, span: RamSpan): number {
  const linesAt = firmwareConstants(target.preset).get('LINES_AT') ?? 0;
  return linearAddress(target, elf, engine.calls.memory_base() + loopBufferBytes + linesAt) - span.address;
}

/** The cursor over the program, its checksum so far, passes: an input more, as a question to the loop, moves it on. */
const codeStateBytes = 12;

/**
 * What an upset that was put right leaves behind because it was told: the protection's own line (counts, ages, its histogram), the place in the ring of events, the ring, the codes of
 * these lines; and the number of the present call with the stamps of lines that were checked in it, which is all of static memory that ever changes. By offset in the span: 1 = may
 * differ. A board that differs from the golden one in nothing else is put right.
 */
export function bookkeeping(
  target: Target,
  elf: Elf,
  engine: Engine,
  span: RamSpan,
  snapshots: readonly Snapshot[],
): Uint8Array {
  const free = new Uint8Array(span.bytes);
  const constants = firmwareConstants(target.preset);
  const at = (name: string): number => {
    const value = constants.get(name);
    if (value === undefined)
      throw new Error(`firmware/memory has no ${name}: campaign_bookkeeping.ts names what it reads`);
    return value;
  };
  const context = engine.calls.memory_base() + loopBufferBytes;
  const allow = (from: number, to: number) => {
    for (let offset = from; offset < to; offset += 1)
      free[linearAddress(target, elf, context + offset) - span.address] = 1;
  };
  const allowCodes = (from: number, to: number) => {
    const line = (offset: number) => Math.floor((offset - at('LINES_AT')) / lineBytes);
    allow(at('CODES_AT') + line(from) * codeBytes, at('CODES_AT') + (line(to - 1) + 1) * codeBytes);
  };
  if (target.variant === 'bare') return free;
  const [first] = snapshots.slice(1);
  for (let linear = 0; linear < context; linear += 1) {
    const offset = linearAddress(target, elf, linear) - span.address;
    if (snapshots.some(({ ram }, index) => index > 0 && ram[offset] !== first.ram[offset])) free[offset] = 1;
  }
  const code = elf.symbols.get('code');
  if (code !== undefined) free.fill(1, code - span.address, code - span.address + codeStateBytes);
  const [own, queues] = [at('PROTECTION_AT'), at('QUEUES_AT')];
  allow(own, own + lineBytes);
  allowCodes(own, own + lineBytes);
  allow(queues + eventFirstAt, queues + eventCountAt + 1);
  allowCodes(queues, queues + eventCountAt + 1);
  allow(at('EVENTS_AT'), at('COUNTERS_AT'));
  allowCodes(at('EVENTS_AT'), at('COUNTERS_AT'));
  return free;
}
