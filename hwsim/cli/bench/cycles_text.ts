import { tableOf } from '../../../host/cli/table.ts';
import { budgetsOf, type Budget, type CyclesTable, type TargetCycles } from '../../bench/cycles/measure.ts';

const whole = (value: number): string => Math.round(value).toLocaleString('en');

function budgetTable(budgets: readonly Budget[]): string {
  const head = ['budget', 'measured', 'at most', ''];
  const rows = budgets.map(({ what, value, limit, ok }) => {
    const figure = (number: number) =>
      limit < 0.1 ? `${(number * 100).toPrecision(2)} %` : limit < 10 ? number.toFixed(2) : whole(number);
    return [what, figure(value), figure(limit), ok ? 'kept' : 'EXCEEDED'];
  });
  return tableOf(head, rows, ['measured', 'at most']);
}

function targetTable(targets: readonly TargetCycles[]): string {
  const head = ['target', 'instructions/s', 'utilisation', 'stack bound', 'measured', 'code bytes', 'RAM bytes'];
  const rows = targets.map((target) => {
    const { name, instructionsPerS, utilisation, stackBoundBytes, stackMeasuredBytes } = target;
    const stack = [whole(stackBoundBytes), whole(stackMeasuredBytes)];
    const share = `${(utilisation * 100).toPrecision(2)} %`;
    return [name, whole(instructionsPerS), share, ...stack, whole(target.codeBytes), whole(target.ramBytes)];
  });
  return tableOf(head, rows, head.slice(1));
}

function operationTable(title: string, targets: readonly TargetCycles[], figure: 'instructions' | 'worst'): string {
  const names = targets.map(({ name }) => name);
  const ops = [...new Set(targets.flatMap((target) => target.ops.map(({ op }) => op)))];
  const rows = ops.map((op) => {
    const cells = targets.map((target) => target.ops.find((each) => each.op === op)?.[figure]);
    return [op, ...cells.map((value) => (value === undefined ? null : whole(value)))];
  });
  return tableOf([title, ...names], rows, names);
}

function ratioTable({ nativeRatio, targets }: CyclesTable): string {
  const names = targets.map(({ name }) => name);
  const ops = [...new Set(nativeRatio.map(({ op }) => op))];
  const rows = ops.map((op) => {
    const ratios = names.map((name) => nativeRatio.find((each) => each.target === name && each.op === op)?.ratio);
    return [op, ...ratios.map((ratio) => ratio?.toFixed(2))];
  });
  return tableOf(['× native C', ...names], rows, names);
}

/**
 * Formats the table of instructions for a terminal; docs/results/cycles.md is the longer text with
 * explanations.
 */
export function cyclesSummary(table: CyclesTable): string {
  const { targets } = table;
  return [
    budgetTable(budgetsOf(table)),
    targetTable(targets),
    operationTable('instructions, typical', targets, 'instructions'),
    operationTable('instructions, worst', targets, 'worst'),
    ...(table.nativeRatio.length === 0 ? [] : [ratioTable(table)]),
  ].join('\n\n');
}
