import type { Target } from '../../../host/board/targets.ts';
import type { Debugger } from '../../emulator/debugger.ts';

/** Instructions that do nothing, as long as the instruction that they replace. */
const noOperation: Readonly<Record<Target['architecture'], (first: number) => Uint8Array>> = {
  // Thumb: the upper five bits of the first half-word mark the long ones (ARMv7-M ARM, A5.1). nop,
  // nop.w.
  cortexm: (half) => (half >>> 11 >= 0b11101 ? Uint8Array.of(0xaf, 0xf3, 0x00, 0x80) : Uint8Array.of(0x00, 0xbf)),
  // RISC-V: the lower two bits are 3 in the long ones (unprivileged ISA, 1.5). c.nop; addi x0, x0,
  // 0.
  riscv: (half) => ((half & 3) === 3 ? Uint8Array.of(0x13, 0, 0, 0) : Uint8Array.of(0x01, 0x00)),
  // SPARC V8: sethi 0, %g0.
  leon3: () => Uint8Array.of(0x01, 0, 0, 0),
};

/**
 * Executes the instruction at which the board stands as one that does nothing, once. It is replaced
 * for that step, not jumped over: delayed branches and conditional blocks go on as in a
 * processor that lost it.
 */
export function skipInstruction(debug: Debugger, target: Target, address: number): void {
  const before = debug.read(address, 4);
  debug.write(address, noOperation[target.architecture](before[0] | (before[1] << 8)));
  debug.step();
  debug.write(address, before);
}
