import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { layPlaces } from '../../world/orbits/places.ts';
import { loadBodies } from '../input.ts';
import { contactsReport } from './report.ts';
import { contactsText } from './text.ts';

export interface ContactsOptions {
  clusters: number;
  days: number;
  seed: number;
  period: number;
  bodies?: string;
  json?: boolean;
}

const dayMinutes = 1440;

/**
 * Runs `heliograph contacts`: lays a fleet's places and its contact plan. Exit 1 when on some day
 * one cluster's loss can divide the fleet, or radios have no time for a pair.
 */
export function contacts(options: ContactsOptions, command: Command): void {
  const { clusters, days, seed, period, bodies, json } = options;
  if (dayMinutes % period !== 0)
    throw new CommandError(
      `--period ${period} does not divide a day: give a divisor of ${dayMinutes}, as 20, 30 or 60`,
      exitCode.usage,
    );
  const places = layPlaces({ seed, clusters, bodies: loadBodies(bodies, console.error) });
  const progress = startProgress('contacts', days);
  try {
    const report = contactsReport(places, days, period, (day) => progress.update(day, `${day} of ${days} days`));
    progress.stop();
    const again = againLine(command, { clusters, days, seed, period });
    print(json ? JSON.stringify(report) : contactsText(report, again));
    if (report.daysDivisible > 0 || report.unscheduled > 0) process.exitCode = exitCode.failed;
  } finally {
    progress.stop();
  }
}
