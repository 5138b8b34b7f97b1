import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { believedRow } from '../../campaign/insider/believed.ts';
import { costOf, flyMutation, flyUndisturbed, goal, isWithin, type Worst } from '../../campaign/insider/measure.ts';
import { extremesOf, linkFields } from '../../fault/field_mutation.ts';
import { loadBody } from '../input.ts';
import { shippedScenario } from '../../scenario/load.ts';

/** A field as `insider fields --json` prints it. */
interface MeasuredField {
  message: string;
  field: string;
  believedFrom: string;
  bound: string;
  worst: Worst;
}

/** Takes the larger of each figure. */
function worse(a: Worst, b: Worst): Worst {
  return {
    leasesLost: Math.max(a.leasesLost, b.leasesLost),
    productionShare: Math.max(a.productionShare, b.productionShare),
    durationS: Math.max(a.durationS, b.durationS),
  };
}

function textOf(fields: readonly MeasuredField[]): string {
  const rows = fields.map(({ message, field, believedFrom, worst }) => [
    message,
    field,
    believedFrom,
    worst.leasesLost,
    `${(100 * worst.productionShare).toFixed(1)} %`,
    `${worst.durationS} s`,
  ]);
  const head = ['message', 'field', 'believed from', 'leases lost', 'production', 'for'];
  return tableOf(head, rows, ['leases lost', 'production', 'for']);
}

/**
 * Runs `heliograph insider fields`: flies a small cluster once for each extreme of each field that
 * members believe, sent by one of them, and measures what it costs. Exit 1 when a field costs more
 * than the goal.
 */
export function insiderFields({ json, only }: { json?: boolean; only?: string }): void {
  const chosen = linkFields().filter(({ message, field }) => only === undefined || `${message}.${field}` === only);
  if (chosen.length === 0)
    throw new CommandError(
      `no field ${only}: give message.field as docs/messages.md spells them, for example notice.capacity`,
      exitCode.usage,
    );
  const body = loadBody(shippedScenario('byzantine-1').body, undefined, () => {});
  const undisturbed = flyUndisturbed(body);
  const progress = startProgress('insider fields', chosen.length);
  const measured = (message: string, field: string): MeasuredField => {
    const { believedFrom, bound } = believedRow(message, field);
    const costs = extremesOf(message, field).map((value) =>
      costOf(flyMutation(body, { message, field, value }), undisturbed),
    );
    return { message, field, believedFrom, bound, worst: costs.reduce(worse) };
  };
  const fields: MeasuredField[] = [];
  try {
    for (const { message, field } of chosen) {
      fields.push(measured(message, field));
      progress.update(fields.length, `${message}.${field}`);
    }
  } finally {
    progress.stop();
  }
  print(json ? JSON.stringify({ fields }) : textOf(fields));
  if (fields.some(({ worst }) => !isWithin(worst, goal))) process.exitCode = exitCode.failed;
}
