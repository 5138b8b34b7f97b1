import { labelled } from '../../host/cli/output.ts';
import type { InsiderOutcome } from '../check/judges/insider_contained.ts';
import type { ByzantineActions } from '../fault/byzantine_actions.ts';
import type { InsiderFacts } from '../fleet/insider.ts';
import type { Attack } from '../scenario/attacks.ts';
import { lossCounterName } from '../../host/cbor/names.ts';

/** The Byzantine node's part of a verdict, as --json prints it. Scripts rely on these names. */
export interface InsiderReport extends InsiderOutcome {
  node: number;
  /** Attacks that it may make. */
  ways: readonly Attack[];
  fromS: number;
  untilS: number;
  /** Actions that it took. */
  deeds: ByzantineActions;
  /** When the key epoch begins that excludes it, mission seconds; null: none was issued. */
  excludedS: number | null;
  /** Sums of the honest members' loss counters, by name; zeros are left out. */
  rejected: Record<string, number>;
  honest: number;
}

export function insiderReport(facts: InsiderFacts, outcome: InsiderOutcome, nodes: number): InsiderReport {
  const { node, attacks, fromS, untilS, actions, excludedS } = facts;
  const rejected: Record<string, number> = {};
  facts.rejected.forEach((count, counter) => {
    if (count > 0) rejected[lossCounterName(counter)] = count;
  });
  return { node, ways: attacks, fromS, untilS, deeds: actions, excludedS, rejected, honest: nodes - 1, ...outcome };
}

const count = (value: number) => value.toLocaleString('en');
const day = (timeS: number) => (timeS / 86_400).toFixed(2);

/** Formats the report for people. */
export function insiderLines(report: InsiderReport | undefined): string[] {
  if (report === undefined) return [];
  const { deeds, honest, provenFirstS, excludedS, rekeyedLastS } = report;
  const proven =
    provenFirstS === null
      ? 'not proven'
      : `proven to ${report.provenTo} of ${honest} members, first on day ${day(provenFirstS)}`;
  const last = rekeyedLastS === null ? '' : `, the last since day ${day(rekeyedLastS)}`;
  const rejected = Object.entries(report.rejected).map(([name, times]) => `${name} ${count(times)}`);
  return [
    '',
    labelled(
      'byzantine',
      `node ${report.node}: ${count(deeds.frames)} frames`,
      `${count(deeds.ownVersions)} versions of its own`,
      `${count(deeds.forgedVersions)} forged in the name of others`,
      `${count(deeds.equivocations)} equivocations`,
    ),
    labelled(
      'reports',
      `${count(deeds.falseRevocations)} lists of false revocations`,
      `${count(deeds.falseNotices)} false notices`,
      `${count(deeds.falseTimes)} heartbeats of a false time`,
    ),
    labelled(
      'forgeries',
      `stored ${count(report.forgeriesHeld)} times, ${count(report.forgeryLongestS)} s at the longest`,
    ),
    labelled('equivocator', proven),
    ...(excludedS === null
      ? []
      : [
          labelled('excluded', `by keys from day ${day(excludedS)} on; ${report.rekeyed} of ${honest} use them${last}`),
        ]),
    labelled('rejected', ...rejected),
  ];
}
