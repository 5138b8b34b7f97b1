import { loopBufferBytes } from '../../../host/board/build.ts';
import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import { firmwareConstants } from '../../emulator/memory_map.ts';
import { linearAddress, type RamSpan } from './ram.ts';
import type { Snapshot } from './subject.ts';
import { CODE_BYTES, LINE_BYTES } from '../../../host/cbor/generated.ts';

/** Offsets in the queues: where the next event stands, and how many wait. */
const eventFirstAt = 26;
const eventCountAt = 27;
/**
 * The cursor over the program, its checksum so far, and passes: a question to the loop moves it as
 * an input does.
 */
const codeStateBytes = 12;

/** A board's program, and where its RAM is. */
export interface BoardLayout {
  target: Target;
  elf: Elf;
  engine: Engine;
  span: RamSpan;
}

/** Returns the linear address of the context. */
const contextAt = (engine: Engine) => engine.calls.memory_base() + loopBufferBytes;

/** Returns the offset in the span of the first line of the protected block. */
export function lineOrigin({ target, elf, engine, span }: BoardLayout): number {
  const linesAt = firmwareConstants(target.preset).get('LINES_AT') ?? 0;
  return linearAddress(target, elf, contextAt(engine) + linesAt) - span.address;
}

/**
 * Returns, by offset in the span, 1 for the bytes that may differ after an upset was corrected and
 * reported: the protection's own line (counts, ages, its histogram), the place in the ring of
 * events, the ring, the codes of these lines, the number of the present call, and the stamps of the
 * lines checked in it. The last two are all of static memory that ever changes. A board that
 * differs from the golden one in nothing else counts as corrected.
 */
export function freeBytes(layout: BoardLayout, snapshots: readonly Snapshot[]): Uint8Array {
  const { target, elf, engine, span } = layout;
  const free = new Uint8Array(span.bytes);
  if (target.variant === 'bare') return free;
  const at = constantsOf(target);
  const context = contextAt(engine);
  const offsetOf = (linear: number) => linearAddress(target, elf, linear) - span.address;
  const allow = (from: number, to: number) => {
    for (let offset = from; offset < to; offset += 1) free[offsetOf(context + offset)] = 1;
  };
  const allowWithCodes = (from: number, to: number) => {
    const line = (offset: number) => Math.floor((offset - at('LINES_AT')) / LINE_BYTES);
    allow(from, to);
    allow(at('CODES_AT') + line(from) * CODE_BYTES, at('CODES_AT') + (line(to - 1) + 1) * CODE_BYTES);
  };
  const [first] = snapshots.slice(1);
  for (let linear = 0; linear < context; linear += 1) {
    const offset = offsetOf(linear);
    if (snapshots.some(({ ram }, index) => index > 0 && ram[offset] !== first.ram[offset])) free[offset] = 1;
  }
  const code = elf.symbols.get('code');
  if (code !== undefined) free.fill(1, code - span.address, code - span.address + codeStateBytes);
  allowWithCodes(at('PROTECTION_AT'), at('PROTECTION_AT') + LINE_BYTES);
  allowWithCodes(at('QUEUES_AT') + eventFirstAt, at('QUEUES_AT') + eventCountAt + 1);
  allowWithCodes(at('EVENTS_AT'), at('COUNTERS_AT'));
  return free;
}

/** Returns a look-up of the memory map. It throws when a name is missing. */
function constantsOf(target: Target): (name: string) => number {
  const constants = firmwareConstants(target.preset);
  return (name) => {
    const value = constants.get(name);
    if (value === undefined)
      throw new Error(`firmware/memory has no ${name}: hwsim/campaign/board/bookkeeping.ts reads it`);
    return value;
  };
}
