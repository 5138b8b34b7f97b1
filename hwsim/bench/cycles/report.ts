/** Writes the table as Markdown: docs/results/cycles.md is this text. */
import { type Budget, budgetsOf, type CyclesTable, type TargetCycles } from './measure.ts';
import type { WorstProfile } from './worst_profile.ts';

const number = (value: number): string => Math.round(value).toLocaleString('en');

function budgetRow({ what, value, limit, ok }: Budget): string {
  const spell = (figure: number) =>
    limit < 0.1 ? `${(figure * 100).toPrecision(2)} %` : limit < 10 ? figure.toFixed(2) : number(figure);
  return `| ${what} | ${spell(value)} | ${spell(limit)} | ${ok ? 'kept' : '**exceeded**'} |`;
}

function opRows(targets: readonly TargetCycles[]): string[] {
  const ops = [...new Set(targets.flatMap((target) => target.ops.map(({ op }) => op)))];
  return ops.map((op) => {
    const cells = targets.map((target) => {
      const entry = target.ops.find((each) => each.op === op);
      return entry === undefined ? '' : `${number(entry.instructions)} / ${number(entry.worst)}`;
    });
    const fuel = targets
      .flatMap((target) => target.ops.filter((each) => each.op === op))
      .find((entry) => entry.fuel !== undefined)?.fuel;
    return `| ${op} | ${cells.join(' | ')} | ${fuel === undefined ? '' : number(fuel)} |`;
  });
}

const head = (names: readonly string[]): string[] => [
  `| ${names.join(' | ')} |`,
  `|${names.map(() => '---').join('|')}|`,
];

/**
 * Bounds of firmware/memory/limits.ts by which each operation loops: they explain its worst cases.
 */
const loopBounds: readonly [string, string][] = [
  [
    'open',
    'a frame whose last message is implausible: FRAME_BYTES_MAX bytes of CRC-32C, Poly1305 and ChaCha20, and as many ' +
      'fields as fit; nothing depends on tables',
  ],
  ['frame.open, frame.seal, frame.reject.*', 'bytes of the frame; nothing depends on tables'],
  [
    'receive',
    'open; per claim its chain (INTENTS_MAX, by order; the first time in a call, the line of every record passed is ' +
      'checked) and what else it must be compared with; per entry of a list or summary its own record; work that ' +
      'grows with members is left to a tick, which must come first when a liveness tick has begun',
  ],
  [
    'verdict',
    'the chain of one group, INTENTS_MAX; per claim the notices (NOTICES_MAX), accepted claims of units with the ' +
      'same low five bits, and where the rates of all exceed the capacity, one path in a tree of the group’s claims',
  ],
  [
    'tick',
    'liveness ticks missed (at most four are made up), each MEMBERS_MAX members; at the cut of an agreement round ' +
      'INTENTS_MAX records and GROUPS_MAX groups; own intent slots (OWN_SLOTS), each with a verdict; one step of the ' +
      'planner (groups, units, chains); one step of the schedule (TIMELINE_SLOTS_MAX)',
  ],
  ['observe', 'time as in tick; then one record, which may end a claim and so void the verdicts of its group'],
  ['transmit', 'OUTBOX_MAX entries, RUMOURS_MAX rumours, one frame'],
  ['command, event', 'one record of a ring'],
  ['hash', 'CRC-32C of the whole context'],
  ['checkpoint', 'CRC-32C of the codes'],
  ['restore', 'the same, and the code of every line; then time as in tick'],
  [
    'signature.*',
    'no part of the image: a module of its own (docs/results/signature.md), for a message of 200 bytes; a fixed ' +
      'number of steps to sign, at most 51 additions for each of two scalars to verify',
  ],
  ['boot', 'fills the context; GROUPS_MAX group records; a code for each line'],
];

function whereText({ where = [], targets }: CyclesTable): string[] {
  if (where.length === 0) return [];
  const shares = ({ functions }: WorstProfile) =>
    functions.map(({ name, share }) => `${name} ${(share * 100).toFixed(0)} %`).join(', ');
  return [
    `Shares of functions in the worst cases on ${targets[0].name} (those of at most 20 million instructions):`,
    '',
    ...where.map((each) => `- ${each.op}: ${shares(each)}`),
    '',
  ];
}

function protectionText({ protection }: CyclesTable): string[] {
  if (protection.length === 0) return [];
  const rows = protection.map(({ target, flown, unscrubbed, bare, ratio, ratioUnscrubbed, scrubbingShare }) => {
    const rates = [flown, unscrubbed, bare].map(number).join(' | ');
    const share = `${(scrubbingShare * 100).toPrecision(2)} %`;
    return `| ${target} | ${rates} | ${ratio.toFixed(3)} | ${ratioUnscrubbed.toFixed(3)} | ${share} |`;
  });
  return [
    '## What protection costs',
    'Instructions per second of the same recorded run (firmware/protection/README.md) on the image as flown and on',
    'two builds of the same sources that are not flown: unscrubbed, and bare, which has no protection at all. Every',
    'call gives the same result on all three. Unscrubbed leaves out all visits to lines that the call may not read:',
    'the cursor, the sums of constants, the hot lines that every call checks, and the checks before walks over whole',
    'tables. The last two are checks before use as well. So the price of the image as flown is the first ratio; the',
    'second is a part of it. Codes are computed in words of 64 bits, in two halves on a 32-bit processor.',
    'docs/injection.md counts the same price in WebAssembly instructions, where such a word takes one, and on',
    'another workload.',
    ...head([
      'target',
      'flown',
      'unscrubbed',
      'bare',
      'flown ÷ bare',
      'unscrubbed ÷ bare',
      'scrubbing, share of the part',
    ]),
    ...rows,
    '',
  ];
}

function floodText({ targets }: CyclesTable): string[] {
  const rows = targets.map(({ name, flood }) => {
    const { why, bytes, instructions, share } = flood;
    return `| ${name} | ${why} | ${bytes} | ${number(instructions)} | ${(share * 100).toPrecision(2)} % |`;
  });
  return [
    '## Sealed frames, and frames of others',
    'Whole calls of the image, from the call to its return. frame.open: `receive` of a frame of 200 bytes on the air',
    '(`.longest`: 256) whose only message has a later version and is skipped. It contains all costs of a frame',
    'before its messages are read: envelope, CRC-32C, counter, tag, decryption, and the window. frame.seal:',
    '`transmit` of a frame of 200 bytes whose text is copied: head and part of a key epoch. frame.reject.*:',
    '`receive` of a frame that is refused, by reason: of 200 bytes, and at worst (48, 200 or 256 bytes; length: 1 or',
    '47). The table shows the frames that use most of each part when the channel of 35 kbit/s carries nothing else:',
    ...head(['target', 'refused for', 'bytes', 'instructions each', 'share of the part']),
    ...rows,
    '',
  ];
}

/** Names the measured images; older tables do not have them. */
function imageLines({ firmware }: CyclesTable): string[] {
  if (firmware === undefined) return [];
  const images = Object.entries(firmware).map(([preset, sha256]) => `${preset} ${sha256.slice(0, 16)}`);
  return [`Images: ${images.join(', ')}.`];
}

function targetsText(targets: readonly TargetCycles[]): string[] {
  const rows = targets.map((target) => {
    const { name, utilisation, cyclesPerInstruction, clockHz, instructionsPerS } = target;
    const cells = [
      name,
      number(instructionsPerS),
      `${cyclesPerInstruction} at ${clockHz / 1e6} MHz`,
      `${(utilisation * 100).toPrecision(2)} %`,
      ...[target.stackBoundBytes, target.stackMeasuredBytes, target.codeBytes, target.ramBytes].map(number),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const names = ['target', 'instructions/s', 'cycles per instruction', 'utilisation'];
  return ['## Targets', ...head([...names, 'stack bound', 'stack measured', 'code bytes', 'RAM bytes']), ...rows, ''];
}

function nativeText({ targets, nativeRatio }: CyclesTable): string[] {
  const ops = [...new Set(nativeRatio.map(({ op }) => op))];
  const rows = targets.map(({ name }) => {
    const cell = (op: string) =>
      nativeRatio.find((each) => each.target === name && each.op === op)?.ratio.toFixed(2) ?? '';
    return `| ${name} | ${ops.map(cell).join(' | ')} |`;
  });
  return [
    '## Over hand-written C',
    'The cost of compiling by way of WebAssembly, without the cost of protection: the image is the one without',
    'protection (`bare`: the same sources, protection compiled out; for m4 likewise of `compact`). Image ÷',
    'test/native_baseline: same tables (filled field by field from the image’s context), same algorithm, same checks',
    'of received bytes, same results on every input, same compiler at -O2. The native baseline follows pointers and',
    'checks no address. Spread: 20 groups with notices and silent members; crowded: all claims in one group.',
    ...head(['target', ...ops]),
    ...rows,
    '',
  ];
}

/** Returns the Markdown of a table. `origin`: the command that made it. */
export function cyclesText(table: CyclesTable, origin: string): string {
  const { targets } = table;
  return [
    '# Instructions per operation',
    '',
    `Made by \`${origin}\`. Instructions are counted exactly in the emulator, between the call and its return, and are`,
    'the same in every run. Cycles are not measured: utilisation is instructions times *assumed* cycles per',
    'instruction over the clock of the part. Typical: the median of a recorded run (scenario quiet, seed 1, six',
    'hours from power-on, node 17 of 200, of 64 for m4), each call repeated on the board with the results that V8',
    'gave; single operations (conflict check, open, `receive` of one message) on the state at the end of the run.',
    'Worst: the most seen in that run or found by the search (below). Fuel: of the same calls in Wasmtime, 200',
    'nodes.',
    ...imageLines(table),
    '',
    '## Budgets',
    ...head(['what', 'measured', 'budget', '']),
    ...budgetsOf(table).map(budgetRow),
    '',
    ...targetsText(targets),
    '## Operations: typical / worst',
    ...head(['operation', ...targets.map(({ name }) => name), 'fuel']),
    ...opRows(targets),
    '',
    ...floodText(table),
    ...protectionText(table),
    ...nativeText(table),
    '## The search for worst cases',
    'Hill climbing over 28 genes that decide on the stored table, the time of the next call, and the frame and the',
    'record that come then. It begins at known inputs, at random, and at tables that the bounds of loops suggest',
    '(hwsim/bench/cycles/genome.ts). The inputs are not bound by what honest members do. What bounds each operation:',
    '',
    ...loopBounds.map(([op, why]) => `- ${op}: ${why}.`),
    '',
    ...whereText(table),
  ].join('\n');
}
