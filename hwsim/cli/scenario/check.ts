import { print } from '../../../host/cli/output.ts';
import { loadBody, loadScenario } from '../input.ts';

/** Runs `scenario check`. Exit 3 when the scenario or its body is wrong. */
export function checkScenario(file: string, { bodies, json }: { bodies?: string; json?: boolean }): void {
  const { name, nodes, days, disruptions, body: wanted } = loadScenario(file);
  const body = loadBody(wanted, bodies, console.error).designation;
  if (json) print(JSON.stringify({ file, valid: true, name, nodes, days, body, disruptions: disruptions.length }));
  else print(`${file}: valid: ${nodes} nodes, ${days} days on ${body}, ${disruptions.length} disruptions`);
}
