import Table from 'cli-table3';

const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

export type Cell = string | number | null | undefined;

/**
 * Formats a table without borders. Columns named in `right` are aligned to the right; a missing
 * value is a dash.
 */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  right: readonly string[] = [],
): string {
  const colAligns = head.map((name) => (right.includes(name) ? 'right' : 'left'));
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const table = new Table({ head: [...head], chars: noBorders, style, colAligns });
  for (const row of rows) table.push(row.map((cell) => (cell === null || cell === undefined ? '–' : String(cell))));
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}
