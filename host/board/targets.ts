/**
 * Declares the flight targets (BRD-1): which compiler, which emulated machine, which part each
 * represents. Facts of parts: datasheets of SAMV71Q21RT, VA41630 and GR712RC; of machines: QEMU
 * 7.2. Everything that differs between targets and is not C stands here.
 */
import { join } from 'node:path';
import { type Preset, rootFolder, type Variant } from '../build/root.ts';

export const targetNames = ['m7', 'm4', 'rv64', 'rv32', 'leon3'] as const;
export type TargetName = (typeof targetNames)[number];

export interface Target {
  readonly name: TargetName;
  /** Name of the folder for its files: the target's own name, but for real boards. */
  readonly board: string;
  /** Its number in the `hello` frame. */
  readonly id: number;
  readonly part: string;
  readonly preset: Preset;
  /** An image of the preset that is only measured, in place of the one that flies. */
  readonly variant?: Variant;
  readonly bigEndian: boolean;
  /** True when the image runs unprivileged behind MPU or PMP, without bounds checks in its code. */
  readonly protectsMemory: boolean;
  /** Prefix of the cross compiler's commands; host/build/boards.mjs knows the packages. */
  readonly compiler: string;
  readonly compilerFlags: readonly string[];
  readonly architecture: 'cortexm' | 'riscv' | 'leon3';
  /** Folders below firmware/boards with this board's startup and drivers. */
  readonly drivers: readonly string[];
  /**
   * The register that holds the origin of linear memory for the whole program
   * (firmware/boards/image/linear.h).
   */
  readonly linearRegister: string;
  readonly linkerScript: string;
  readonly emulator: string;
  readonly machine: string;
  /** Address of the machine's main memory: what the shared file shows. */
  readonly ramAddress: number;
  /** Address of non-volatile memory, as the processor sees it. */
  readonly nonVolatileAddress: number;
  readonly clockHz: number;
  /**
   * Cycles per instruction, to turn instructions into utilisation; *assumed*, no part was measured.
   */
  readonly cyclesPerInstruction: number;
  /** The part's own memories, bytes. */
  readonly ramBytes: number;
  readonly flashBytes: number;
  /** Upper bounds of the build, bytes. */
  readonly budget: {
    readonly codeBytes: number;
    readonly ramBytes: number;
    readonly linearBytes: number;
    readonly stackBytes: number;
  };
}

/**
 * Main memory of every emulated board, bytes: a file that both sides see. A part of it keeps its
 * contents without power.
 */
export const emulatedRamBytes = 16 << 20;
export const nonVolatileOffset = 8 << 20;
export const nonVolatileBytes = 1 << 20;

const arm = {
  compiler: 'arm-none-eabi-',
  architecture: 'cortexm' as const,
  drivers: ['cortexm', 'mps2', 'mram'],
  linearRegister: 'r9',
  emulator: 'qemu-system-arm',
  bigEndian: false,
  protectsMemory: true,
};
const riscv = {
  compiler: 'riscv64-unknown-elf-',
  architecture: 'riscv' as const,
  drivers: ['riscv', 'mram'],
  linearRegister: 's11',
  linkerScript: 'riscv/riscv.ld',
  machine: 'virt',
  ramAddress: 0x80000000,
  nonVolatileAddress: 0x80000000 + nonVolatileOffset,
  bigEndian: false,
  protectsMemory: true,
  preset: 'flight' as const,
  clockHz: 100_000_000,
  cyclesPerInstruction: 1.5,
};
const largePart = { ramBytes: 384 << 10, flashBytes: 2 << 20 };
const largeBudget = { codeBytes: 256 << 10, ramBytes: 160 << 10, linearBytes: 128 << 10, stackBytes: 4096 };

export const targets: Readonly<Record<TargetName, Target>> = {
  m7: {
    ...arm,
    ...largePart,
    name: 'm7',
    board: 'm7',
    id: 1,
    part: 'SAMV71Q21RT (Cortex-M7)',
    preset: 'flight',
    compilerFlags: ['-mcpu=cortex-m7', '-mthumb', '-mfpu=fpv5-d16', '-mfloat-abi=hard'],
    linkerScript: 'mps2/m7.ld',
    machine: 'mps2-an500',
    ramAddress: 0x60000000,
    nonVolatileAddress: 0x60000000 + nonVolatileOffset,
    clockHz: 300_000_000,
    cyclesPerInstruction: 1.5,
    budget: largeBudget,
  },
  m4: {
    ...arm,
    name: 'm4',
    board: 'm4',
    id: 2,
    part: 'VA41630 (Cortex-M4)',
    preset: 'compact',
    compilerFlags: ['-mcpu=cortex-m4', '-mthumb', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard'],
    linkerScript: 'mps2/m4.ld',
    machine: 'mps2-an386',
    ramAddress: 0x21000000,
    nonVolatileAddress: 0x21000000 + nonVolatileOffset,
    clockHz: 100_000_000,
    cyclesPerInstruction: 1.5,
    ramBytes: 64 << 10,
    flashBytes: 256 << 10,
    budget: { codeBytes: 128 << 10, ramBytes: Math.floor(44.8 * 1024), linearBytes: 32 << 10, stackBytes: 4096 },
  },
  rv64: {
    ...riscv,
    ...largePart,
    name: 'rv64',
    board: 'rv64',
    id: 3,
    part: 'NOEL-V, PIC64-HPSC monitor (RV64GC)',
    compilerFlags: ['-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany'],
    emulator: 'qemu-system-riscv64',
    budget: largeBudget,
  },
  rv32: {
    ...riscv,
    ...largePart,
    name: 'rv32',
    board: 'rv32',
    id: 4,
    part: 'NOEL-V (RV32GC)',
    compilerFlags: ['-march=rv32imafdc', '-mabi=ilp32d', '-mcmodel=medany'],
    emulator: 'qemu-system-riscv32',
    budget: largeBudget,
  },
  leon3: {
    ...largePart,
    name: 'leon3',
    board: 'leon3',
    id: 5,
    part: 'GR712RC, UT700 (LEON3, SPARC V8)',
    preset: 'flight',
    bigEndian: true,
    protectsMemory: false,
    compiler: 'sparc64-linux-gnu-',
    compilerFlags: ['-m32', '-mcpu=leon3'],
    architecture: 'leon3',
    drivers: ['leon3', 'mram'],
    linearRegister: 'g7',
    linkerScript: 'leon3/leon3.ld',
    emulator: 'qemu-system-sparc',
    machine: 'leon3_generic',
    ramAddress: 0x40000000,
    nonVolatileAddress: 0x40000000 + nonVolatileOffset,
    clockHz: 100_000_000,
    cyclesPerInstruction: 1.5,
    // SPARC takes 2.5 bytes of code for a byte of the image, which may have 128 KiB.
    budget: { ...largeBudget, codeBytes: 320 << 10 },
  },
};

/**
 * Targets as real boards that can be flashed: other drivers and addresses around the same code. The
 * tests compile and link them; for want of a board they were never run.
 */
export const realBoards: Readonly<Partial<Record<TargetName, Target>>> = {
  m7: {
    ...targets.m7,
    board: 'samv71',
    drivers: ['cortexm', 'samv71'],
    linkerScript: 'samv71/samv71.ld',
    nonVolatileAddress: 0x00500000,
  },
};

/** Folder of a target's built files. */
export function boardFolder(target: Target): string {
  return join(rootFolder, 'dist', 'boards', target.board);
}

/**
 * The emulator's arguments: the image, the main memory as a shared file (its non-volatile part
 * outlives the emulator), and no devices but the serial line, which the caller adds. Time is
 * counted in instructions, so that runs repeat.
 */
export function emulatorArguments(target: Target, image: string, ramFile: string): string[] {
  const memory = `memory-backend-file,id=main,size=${emulatedRamBytes},mem-path=${ramFile},share=on`;
  return [
    ...['-M', `${target.machine},memory-backend=main`, '-object', memory, '-m', `${emulatedRamBytes >> 20}M`],
    ...(target.machine === 'virt' ? ['-bios', 'none'] : []),
    ...['-kernel', image, '-display', 'none', '-monitor', 'none', '-net', 'none', '-no-user-config'],
    ...['-icount', 'shift=0,sleep=on'],
  ];
}
