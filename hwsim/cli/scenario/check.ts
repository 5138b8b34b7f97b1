import { loadBody, loadScenario } from '../input.ts';

/** `scenario check`: exit 3 when the scenario or its body is wrong. */
export function checkScenario(file: string, options: { bodies?: string }): void {
  const checked = loadScenario(file);
  const body = loadBody(checked.body, options.bodies, console.error);
  const { nodes, days, disruptions } = checked;
  console.log(`${file}: valid: ${nodes} nodes, ${days} days on ${body.designation}, ${disruptions.length} disruptions`);
}
