/**
 * Writes docs/results/signature.md: what a signature costs.
 *
 *     node host/build/run.mjs hwsim/bench/signature.ts > docs/results/signature.md
 */
import { type TargetName, targetNames, targets } from '../../host/board/targets.ts';
import { instantiateSignature } from '../../host/security/signature.ts';
import { measuredMessageBytes, measureSignatures, type SignatureCost } from './cycles/signature.ts';
import { SIGNED_BYTES_MAX } from '../../host/cbor/generated.ts';

/**
 * Milliwatts of a Cortex-M7 like the SAM V71's at 300 MHz: 100 mA at 3.3 V. The source is the
 * datasheet of the PIC32CZ CA70, which has the same core, clocks and peripherals: its maximum for
 * active mode (table 57-6, "MCU Active Current Consumption": PLLA 300 MHz, MCK 150 MHz, CoreMark
 * from flash, cache on, peripherals off: typically 90 mA, at most 100). All of it counts for the
 * calculation; a core that would be awake anyway uses less.
 */
const powerMw = 330;
const [verify, sign] = ['signature.verify', 'signature.sign'];

const number = (value: number): string => Math.round(value).toLocaleString('en');

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly string[][]) => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
];

interface Costs {
  byTarget: ReadonlyMap<TargetName, SignatureCost>;
  /** Of the longest message, on the m7. */
  longest: SignatureCost;
}

async function measure(): Promise<Costs> {
  const byTarget = new Map<TargetName, SignatureCost>();
  for (const name of targetNames) {
    byTarget.set(name, await measureSignatures(targets[name]));
    console.error(`${name}: counted`);
  }
  return { byTarget, longest: await measureSignatures(targets.m7, SIGNED_BYTES_MAX) };
}

function worst(cost: SignatureCost, op: string): number {
  return cost.ops.find((entry) => entry.op === op)!.worst;
}

function instructionsText({ byTarget, longest }: Costs): string[] {
  const m7 = byTarget.get('m7')!;
  const cell = (name: TargetName, op: string) => {
    const { instructions, worst: most } = byTarget.get(name)!.ops.find((entry) => entry.op === op)!;
    return `${number(instructions)} / ${number(most)}`;
  };
  const perBlock = (op: string) =>
    number((worst(longest, op) - worst(m7, op)) / ((SIGNED_BYTES_MAX - measuredMessageBytes) / 128));
  const [longVerify, longSign] = [verify, sign].map((op) => number(worst(longest, op)));
  return [
    '## Instructions: median / most of 16',
    ...table(
      ['operation', ...targetNames],
      m7.ops.map(({ op }) => [op, ...targetNames.map((name) => cell(name, op))]),
    ),
    '',
    'Signing and keys take the same steps for every seed (on leon3 the first call of a program also spills register',
    'windows). Signing computes the public key again and refuses when it is not the given one. Without that check,',
    'one flipped bit in a stored key would be enough to reveal the seed. This is one of its two multiples of the',
    'base point.',
    '',
    `A longer message costs ${perBlock(verify)} instructions more on the m7 per 128 bytes to verify,`,
    `${perBlock(sign)} to sign (it is hashed twice);`,
    `one of ${SIGNED_BYTES_MAX} bytes costs ${longVerify} and ${longSign}.`,
    '',
  ];
}

function energyText({ byTarget }: Costs): string[] {
  const { clockHz, cyclesPerInstruction } = targets.m7;
  const ms = (name: TargetName, op: string) =>
    ((worst(byTarget.get(name)!, op) * targets[name].cyclesPerInstruction) / targets[name].clockHz) * 1000;
  const perInstructionNj = ((powerMw / 1000) * cyclesPerInstruction * 1e9) / clockHz;
  const energyMj = (op: string) => ((worst(byTarget.get('m7')!, op) * perInstructionNj) / 1e6).toFixed(2);
  return [
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
    `Energy on the m7, *assumed* ${perInstructionNj.toFixed(2)} nJ per instruction: 1.5 cycles at 300 MHz and`,
    `${powerMw} mW, which is 100 mA at 3.3 V. That is the maximum in table 57-6 of the datasheet of the PIC32CZ CA70`,
    '(same core, clocks and peripherals as the SAM V71), for CoreMark from flash with the cache on; the typical',
    `value is 90 mA. Verifying: ${energyMj(verify)} mJ; signing: ${energyMj(sign)} mJ. A radiation-tolerant part may`,
    'differ; none was measured.',
    '',
  ];
}

function sizesText({ byTarget }: Costs): string[] {
  const sizes = (of: (cost: SignatureCost) => number) => targetNames.map((name) => number(of(byTarget.get(name)!)));
  const staticBytes = number(instantiateSignature().memory_base());
  return [
    '## Sizes, bytes',
    ...table(
      ['', ...targetNames],
      [
        ['code and constants in flash', ...sizes(({ codeBytes }) => codeBytes)],
        ['linear memory, buffers included', ...sizes(({ linearBytes }) => linearBytes)],
        ['stack below the call', ...sizes(({ stackBytes }) => stackBytes)],
      ],
    ),
    '',
    `The module's static data (constants and workspace) takes ${staticBytes} bytes;`,
    `${number(SIGNED_BYTES_MAX + 128)} are for seed, key, signature and the longest message.`,
  ];
}

const costs = await measure();
console.log(
  [
    '# What a signature costs',
    '',
    'Made by `node host/build/run.mjs hwsim/bench/signature.ts`. Ed25519 in a module of its own (firmware/signature,',
    'dist/signature.wasm), translated to C, compiled as the flight image is, and run in the emulator. Instructions are',
    `counted exactly, from the call to its return, for messages of ${measuredMessageBytes} bytes under 16 keys;`,
    "every key, signature and verdict is compared with node:crypto's. They are not part of the image's budget of",
    '30,000 per call: a platform calls this module beside the image, and limits when (docs/security.md).',
    '',
    ...instructionsText(costs),
    ...energyText(costs),
    ...sizesText(costs),
  ].join('\n'),
);
