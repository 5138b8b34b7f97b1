import { labelled } from '../../host/cli/output.ts';
import { tableOf } from '../../host/cli/table.ts';
import { criteria } from '../check/convergence/convergence.ts';
import type { BoardOutcome } from './run_boards.ts';
import { insiderLines } from './insider.ts';
import { radiationLines } from './radiation.ts';
import type { DisruptionOutcome, SimVerdict } from './verdict.ts';

const minutesAfter = (atS: number | null, onsetS: number) =>
  atS === null ? 'never' : `${((atS - onsetS) / 60).toFixed(1)} min`;

const whole = (value: number) => Math.round(value).toLocaleString('en');

function disruptionTable(disruptions: readonly DisruptionOutcome[]): string {
  const head = ['disruption', 'class', 'onset', 'detected', 'converged', 'on board', 'SLA', 'kg lost', ''];
  const rows = disruptions.map((row) => {
    const { onsetS, sla, lostKg } = row;
    const times = [row.detectedS, row.convergedS, row.onboardConvergedS].map((atS) => minutesAfter(atS, onsetS));
    const kept = sla === 'breached' ? 'BREACHED' : sla;
    const lost = lostKg === null ? null : whole(lostKg);
    return [row.id, row.class, `day ${(onsetS / 86_400).toFixed(2)}`, ...times, `${row.slaS / 3600} h`, lost, kept];
  });
  return tableOf(head, rows, ['detected', 'converged', 'on board', 'kg lost']);
}

const spansShownMax = 3;

/** Formats, by criterion, the minutes after the onset in which it was not met; null: none. */
function heldUpLine({ id, onsetS, heldUpDuring }: DisruptionOutcome): string | null {
  const minute = (atS: number) => Math.max(0, Math.round((atS - onsetS) / 60));
  const parts = criteria.flatMap((criterion) => {
    const spans = heldUpDuring[criterion].map(([fromS, toS]) => `${minute(fromS)}–${minute(toS)}`);
    if (spans.length === 0) return [];
    const more = spans.length > spansShownMax ? ` and ${spans.length - spansShownMax} more` : '';
    return [`${criterion} ${spans.slice(0, spansShownMax).join(' ')}${more}`];
  });
  return parts.length === 0 ? null : labelled('held up', `${id}, minutes: ${parts.join(', ')}`);
}

function boardLines(boards: readonly BoardOutcome[]): string[] {
  return boards.map(({ node, target, emulated, inputs, boots, resets, powerCycles, stackBytes }) => {
    if (!emulated) return labelled('board', `node ${node} is ${target}`, 'simulated');
    const stack = stackBytes === null ? 'no power at the end' : `stack ${stackBytes} bytes`;
    const starts = [`${boots} boots`, `${resets} resets`, `${powerCycles} power losses`];
    return labelled('board', `node ${node} is ${target}: ${inputs} inputs`, ...starts, stack);
  });
}

function figureLines({ production, membership, radio, speed }: SimVerdict): string[] {
  const { achievableKg, actualKg, greedyKg } = production;
  const share =
    achievableKg === null
      ? ''
      : ` of ${whole(achievableKg)} achievable, ${((100 * actualKg) / achievableKg).toFixed(1)} %`;
  const greedy = greedyKg === null ? '' : `; greedy nodes ${whole(greedyKg)} kg`;
  const factor = whole(speed.simulatedS / speed.wallS);
  const bytes = Math.round(radio.bytesPerNodeDay);
  const use = `channel ${(radio.channelUse * 100).toFixed(1)} % used`;
  return [
    labelled('production', `${whole(actualKg)} kg${share}${greedy}`),
    labelled('membership', `${membership.falseDeaths} false deaths in ${membership.nodeYears.toFixed(2)} node·years`),
    labelled('radio', `${radio.framesSent} frames`, `${bytes} bytes per node·day`, use),
    labelled(
      'speed',
      `${factor} × real time: ${speed.wallS.toFixed(1)} s`,
      `${whole(speed.events / speed.wallS)} events/s`,
    ),
  ];
}

/** Formats the verdict for people. `again`: the command that reproduces the run. */
export function verdictText(verdict: SimVerdict, again: string): string {
  const { disruptions, checks } = verdict;
  const lines = [
    `${verdict.scenario}, seed ${verdict.seed}: ${verdict.nodes} nodes, ${verdict.days} days on ${verdict.body}`,
    ...(verdict.image === 'fleet' ? ['on the fleet image: without protection, cipher and CRC'] : []),
    '',
  ];
  const missing = disruptions.filter((row) => row.missing.length > 0);
  const rest = [
    ...checks.map(({ id, ok, violations, examples }) =>
      ok ? labelled('holds', id) : labelled('VIOLATED', `${id}  ${violations} times; ${examples.join('; ')}`),
    ),
    ...disruptions.flatMap((row) => heldUpLine(row) ?? []),
    ...missing.map((row) => labelled('open', `${row.id}: ${row.missing.join('; ')}`)),
    ...boardLines(verdict.boards ?? []),
    ...radiationLines(verdict.radiation),
    ...insiderLines(verdict.insider),
    '',
    ...figureLines(verdict),
    labelled('trace hash', verdict.traceHash),
  ];
  if (disruptions.length > 0) lines.push(disruptionTable(disruptions), '');
  // The command is one line, however long: it is there to be copied.
  return [...lines, ...rest, `again       ${again}`].join('\n');
}
