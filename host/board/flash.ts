/** Writes an image to a real board with OpenOCD. */
import type { TargetName } from './targets.ts';
import { ToolError } from './toolchain.ts';

/**
 * OpenOCD's configuration files of the boards that have one. The vendors of the others have tools
 * of their own.
 */
const boards: Readonly<Partial<Record<TargetName, string>>> = { m7: 'board/atmel_samv71_xplained_ultra.cfg' };
const others: Readonly<Partial<Record<TargetName, string>>> = {
  m4: "the VA41630 boots from an external FRAM that its vendor's J-Link script writes; OpenOCD has no driver for it",
  rv64: 'NOEL-V and PIC64-HPSC boards are loaded by GRMON and by their own boot service',
  rv32: 'NOEL-V boards are loaded by GRMON',
  leon3: 'LEON3 boards are loaded by GRMON: `load heliograph.elf`, `run`',
};

/** Throws ToolError for a target that OpenOCD cannot write. */
export function requireRecipe(name: TargetName): void {
  if (boards[name] !== undefined) return;
  throw new ToolError(`no recipe to flash ${name}: ${others[name]}. Flashable: ${Object.keys(boards).join(', ')}`);
}

/** The command and its arguments: program, verify, reset. */
export function flashInvocation(name: TargetName, probe: string, image: string): string[] {
  requireRecipe(name);
  return [
    'openocd',
    '-f',
    probe,
    '-c',
    'transport select swd',
    '-f',
    boards[name]!,
    '-c',
    `program {${image}} verify reset exit`,
  ];
}

/** OpenOCD's messages when no debug probe answers. */
const noProbe = new RegExp(
  [
    'unable to find a matching CMSIS-DAP device',
    'No J-Link device found',
    'unable to open',
    'no device found',
    'LIBUSB_ERROR_NO_DEVICE',
    'open failed',
  ].join('|'),
  'i',
);

/** Explains an error of OpenOCD to the person at the bench; null when the error is not known. */
export function probeTrouble(words: string, probe: string): string | null {
  if (noProbe.test(words))
    return (
      `no debug probe answers to ${probe}: connect it, check that this user may open USB devices, ` +
      'or name another with --probe (interface/jlink.cfg, interface/cmsis-dap.cfg, …)'
    );
  if (/Error connecting DP|cannot read IDR|Could not find MEM-AP|target voltage/i.test(words))
    return 'the probe answers, the processor does not: check its power and the SWD cable';
  if (/Can't find /i.test(words))
    return (
      `OpenOCD does not know ${/Can't find (\S+)/i.exec(words)?.[1]}: ` +
      'give a configuration of its interface/ folder to --probe'
    );
  return null;
}
