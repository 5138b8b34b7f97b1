/**
 * Writes docs/results/signature.md: what a signature costs.
 *
 *     node host/build/run.mjs hwsim/bench/signature.ts > docs/results/signature.md
 */
import { type TargetName, targetNames, targets } from '../../host/board/targets.ts';
import { instantiateSignature, messageBytesMax } from '../../host/security/signature.ts';
import { measuredMessageBytes, measureSignatures, type SignatureCost } from './cycles/signature.ts';

/**
 * Milliwatts of a Cortex-M7 like the SAM V71's at 300 MHz: 100 mA at 3.3 V, the greatest that the datasheet of the PIC32CZ CA70, which has the same core, clocks and peripherals, gives for active mode (table 57-6, "MCU Active Current
 * Consumption": PLLA 300 MHz, MCK 150 MHz, CoreMark from flash, cache on, peripherals off: typically 90 mA, at most 100). All of it is put down to the calculation; a core that would be awake anyway spends less.
 */
const powerMw = 330;

const number = (value: number): string => Math.round(value).toLocaleString('en');
const costs = new Map<TargetName, SignatureCost>();
for (const name of targetNames) {
  costs.set(name, await measureSignatures(targets[name]));
  console.error(`${name}: counted`);
}
const long = await measureSignatures(targets.m7, messageBytesMax);
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly string[][]) => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
];
const opNames = costs.get('m7')!.ops.map(({ op }) => op);

function worst(cost: SignatureCost, op: string): number {
  return cost.ops.find((entry) => entry.op === op)!.worst;
}
function ms(name: TargetName, op: string): number {
  const { cyclesPerInstruction, clockHz } = targets[name];
  return ((worst(costs.get(name)!, op) * cyclesPerInstruction) / clockHz) * 1000;
}
const perInstructionNj = ((powerMw / 1000) * targets.m7.cyclesPerInstruction * 1e9) / targets.m7.clockHz;
const energyMj = (op: string) => (worst(costs.get('m7')!, op) * perInstructionNj) / 1e6;
const perBlock = (op: string) =>
  (worst(long, op) - worst(costs.get('m7')!, op)) / ((messageBytesMax - measuredMessageBytes) / 128);
const [verify, sign] = ['signature.verify', 'signature.sign'];

console.log(
  [
    '# What a signature costs',
    '',
    'Made by `node host/build/run.mjs hwsim/bench/signature.ts`. Ed25519 in a module of its own (firmware/signature, dist/signature.wasm), translated to C and compiled as the flight image is, run in the emulator. Instructions',
    `are counted exactly, from the call to its return, for messages of ${measuredMessageBytes} bytes under 16 keys; every key, signature and verdict is compared with node:crypto's. They are no part of the image's budget of 30,000 per call: a`,
    'platform calls this beside the image, and bounds when (docs/security.md).',
    '',
    '## Instructions: median / most of 16',
    ...table(
      ['operation', ...targetNames],
      opNames.map((op) => [
        op,
        ...targetNames.map((name) => {
          const { instructions, worst: most } = costs.get(name)!.ops.find((entry) => entry.op === op)!;
          return `${number(instructions)} / ${number(most)}`;
        }),
      ]),
    ),
    '',
    'Signing and keys take the same steps for every seed (on leon3 the first call of a program also spills register windows). Signing makes the public key anew and refuses when it is not the one it was given: without that, one flipped',
    'bit in a stored key would be enough to give the seed away. That is one of its two multiples of the base point.',
    '',
    `A longer message costs ${number(perBlock(verify))} instructions more on the m7 for each 128 bytes to verify, ${number(perBlock(sign))} to sign (it is hashed twice); one of ${messageBytesMax} bytes ${number(worst(long, verify))} and ${number(worst(long, sign))}.`,
    '',
    '## Time and energy',
    ...table(
      ['', ...targetNames],
      [
        ['clock, MHz', ...targetNames.map((name) => String(targets[name].clockHz / 1e6))],
        ['cycles per instruction, *assumed*', ...targetNames.map((name) => String(targets[name].cyclesPerInstruction))],
        ...[verify, sign].map((op) => [`${op}, ms`, ...targetNames.map((name) => ms(name, op).toFixed(1))]),
      ],
    ),
    '',
    `Energy on the m7, assumed ${perInstructionNj.toFixed(2)} nJ per instruction: 1.5 cycles at 300 MHz and ${powerMw} mW, which is 100 mA at 3.3 V, the maximum that the datasheet of the PIC32CZ CA70 (same core,`,
    `clocks and peripherals as the SAM V71) gives in its table 57-6 for CoreMark from flash with the cache on; typically it is 90 mA. Verifying: ${energyMj(verify).toFixed(2)} mJ; signing: ${energyMj(sign).toFixed(2)} mJ. A radiation-tolerant part may draw otherwise; none was measured.`,
    '',
    '## Sizes, bytes',
    ...table(
      ['', ...targetNames],
      [
        ['code and constants in flash', ...targetNames.map((name) => number(costs.get(name)!.codeBytes))],
        ['linear memory, buffers included', ...targetNames.map((name) => number(costs.get(name)!.linearBytes))],
        ['stack below the call', ...targetNames.map((name) => number(costs.get(name)!.stackBytes))],
      ],
    ),
    '',
    `The module's static data (constants and workspace) take ${number(instantiateSignature().memory_base())} bytes, ${number(messageBytesMax + 128)} are room for seed, key, signature and the longest message.`,
  ].join('\n'),
);
