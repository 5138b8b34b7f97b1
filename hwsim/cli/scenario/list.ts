import { print } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { shippedScenarios } from '../../scenario/shipped.ts';

/** Describes a shipped scenario as `scenario list --json` prints it. */
export interface ListedScenario {
  name: string;
  title: string;
  nodes: number;
  days: number;
  seed: number;
  preset: string;
  body: string;
  /** Number of entries under `disruptions`. */
  disruptions: number;
  /** Number of nodes that are emulated boards. */
  boards: number;
  /** True when upsets flip bits in the nodes' memory; when one member is Byzantine. */
  upsets: boolean;
  byzantine: boolean;
}

export function listedScenarios(): ListedScenario[] {
  return Object.keys(shippedScenarios).map((name) => {
    const { title, nodes, days, seed, preset, body, disruptions, boards, upsets, insider } = shippedScenario(name);
    const counts = { disruptions: disruptions.length, boards: boards.length };
    const strains = { upsets: upsets !== undefined, byzantine: insider !== undefined };
    return { name, title, nodes, days, seed, preset, body, ...counts, ...strains };
  });
}

/** Runs `scenario list`. */
export function listScenarios({ json }: { json?: boolean }): void {
  const scenarios = listedScenarios();
  if (json) return print(JSON.stringify(scenarios));
  const rows = scenarios.map(({ name, title, nodes, days, disruptions }) => [name, nodes, days, disruptions, title]);
  print(tableOf(['name', 'nodes', 'days', 'disruptions', 'title'], rows, ['nodes', 'days', 'disruptions']));
  print('\nNext: npx heliograph sim NAME, or npx heliograph scenario new --from NAME');
}
