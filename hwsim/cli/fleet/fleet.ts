import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { defaultEngine } from '../../../host/engine/names.ts';
import { makeFolder } from '../../../host/store/make_folder.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import { type FleetResult, fleetResult, isCleanFleet } from '../../federation/report.ts';
import { type FleetImage, fleetScenario, type FleetSetting, sizesOf } from '../../federation/setting.ts';
import { flyInThreads } from '../../federation/threads.ts';
import { fleetText } from './text.ts';

export interface FleetOptions {
  nodes: number;
  days: number;
  seed: number;
  threads: number;
  image: FleetImage;
  out?: string;
  json?: boolean;
}

const bytesPerMiB = 1 << 20;

/** Flies a fleet, and shows progress. */
async function flown(setting: FleetSetting, threads: number): Promise<FleetResult> {
  const seconds = startStopwatch();
  const nodeDays = setting.sizes.reduce((total, size) => total + size, 0) * setting.scenario.days;
  const progress = startProgress('fleet', nodeDays);
  let done = 0;
  let turns = 0;
  try {
    const results = await flyInThreads(setting, threads, (more) => {
      done += more;
      turns += 1;
      const rate = done / seconds();
      const left = Math.ceil((nodeDays - done) / rate / 60);
      const memory = `${Math.round(process.memoryUsage.rss() / bytesPerMiB)} MiB`;
      progress.update(done, `${rate.toFixed(1)} node·days/s, ${memory}, ${left} min left`);
    });
    const rssMiB = process.resourceUsage().maxRSS / 1024;
    const { user, system } = process.cpuUsage();
    const processorS = (user + system) / 1e6;
    return fleetResult(setting, results, { threads, wallS: seconds(), processorS, turns, rssMiB });
  } finally {
    progress.stop();
  }
}

/**
 * Makes the folder of `--out`, and the empty file of the result. Throws CommandError when the
 * folder has files, or cannot be written.
 */
function openResult(folder: string): (result: FleetResult) => void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CommandError(`--out ${folder}: is not empty; name a new folder, so that nothing is lost`, exitCode.usage);
  const path = join(folder, 'fleet.json');
  const write = (text: string) => {
    try {
      makeFolder(folder, 0o777);
      writeFileSync(path, text);
    } catch (error) {
      const advice = fileAdvice(error as NodeJS.ErrnoException);
      throw new CommandError(`--out ${folder}: cannot be written: ${advice}`, exitCode.environment);
    }
  };
  write('');
  return (result) => write(`${JSON.stringify(result, null, 1)}\n`);
}

/**
 * Runs `heliograph fleet`: flies many clusters of real firmware on the contact plan. Exit 1 when a
 * check failed or an SLA was breached.
 */
export async function fleet(options: FleetOptions, command: Command): Promise<void> {
  const { nodes, days, seed, image, out, json } = options;
  const sizes = sizesOf(nodes);
  const threads = Math.min(options.threads, sizes.length);
  const keep = out === undefined ? null : openResult(out);
  const result = await flown({ seed, sizes, scenario: fleetScenario(days), image, engine: defaultEngine }, threads);
  keep?.(result);
  print(json ? JSON.stringify(result) : fleetText(result, againLine(command, { nodes, days, seed })));
  if (!isCleanFleet(result)) process.exitCode = exitCode.failed;
}
