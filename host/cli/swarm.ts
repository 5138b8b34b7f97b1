/** `npm run swarm -- --seeds N [--from S]`: flies drawn scenarios; safety must hold in every one. Exit 1 names the seeds that failed. */
import { drawScenario } from '../../hwsim/campaign/swarm.ts';
import { wholeNumber, loadBody } from './input.ts';
import { exitCode } from './exit.ts';
import { flyAndJudge, readImage } from './sim.ts';

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : wholeNumber(name, 0, 0xffffffff)(process.argv[at + 1] ?? '');
}

/** Flies one seed; the lines of what did not hold. */
export function flySeed(seed: number): string[] {
  const scenario = drawScenario(seed);
  const body = loadBody(scenario.body, undefined, console.error);
  const verdict = flyAndJudge({ scenario, body, image: readImage(scenario.preset) }, null);
  return verdict.checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples[0]}`);
}

/** Flies seeds from…from + count − 1 and tells of each that failed, with the command that flies it again. */
export function swarm(from: number, count: number): boolean {
  let failed = 0;
  for (let seed = from; seed < from + count; seed++) {
    const faults = flySeed(seed);
    if (faults.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed}\n  ${faults.join('\n  ')}\n  again: npm run swarm -- --seeds 1 --from ${seed}`);
  }
  console.log(`${count - failed} of ${count} seeds hold`);
  return failed === 0;
}

if (process.argv.includes('--seeds') && !swarm(option('--from', 1), option('--seeds', 20))) process.exitCode = exitCode.failed;
