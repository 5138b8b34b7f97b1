import type { InsiderOutcome } from '../check/judges/insider_contained.ts';
import type { ByzantineActions } from '../fault/byzantine.ts';
import type { InsiderFacts } from '../fleet/insider.ts';
import type { Attack } from '../scenario/attacks.ts';

/** Loss counters by number: COUNTER_* of firmware/memory/limits.ts. */
export const counterNames: readonly string[] = [
  'frame-length',
  'frame-crc',
  'frame-malformed',
  'frame-version',
  'frame-implausible',
  'message-unknown',
  'outbox-full',
  'events-full',
  'commands-full',
  'intents-full',
  'notices-full',
  'record-rejected',
  'clock-disagrees',
  'intent-stale',
  'claim-unread',
  'disruptions-full',
  'exchanges-full',
  'frame-algorithm',
  'frame-key-epoch',
  'frame-replay',
  'frame-stale',
  'frame-ahead',
  'frame-tag',
  'frame-sender',
  'frame-self',
  'frame-channel',
  'key-epoch-forged',
  'part-forged',
  'key-epoch-checks',
  'frame-form',
  'quota-late',
  'quota-owner',
  'quota-claim',
  'impersonated',
  'intent-differs',
  'intent-forged',
  'statement-false',
  'statements-full',
  'owner-barred',
  'intent-unsigned',
];

/** A byzantine's part of a verdict, as --json prints it. */
export interface InsiderReport extends InsiderOutcome {
  node: number;
  ways: readonly Attack[];
  fromS: number;
  untilS: number;
  /** What it did. */
  deeds: ByzantineActions;
  /** When the keys begin that exclude it, mission seconds; null: none were issued. */
  excludedS: number | null;
  /** Sums of the loss counters of the honest, of those that count anything. */
  rejected: Record<string, number>;
  honest: number;
}

export function insiderReport(facts: InsiderFacts, outcome: InsiderOutcome, nodes: number): InsiderReport {
  const { node, attacks: ways, fromS, untilS, actions: deeds, excludedS } = facts;
  const rejected: Record<string, number> = {};
  facts.rejected.forEach((count, index) => {
    if (count > 0) rejected[counterNames[index] ?? `counter-${index}`] = count;
  });
  return { node, ways, fromS, untilS, deeds, excludedS, rejected, honest: nodes - 1, ...outcome };
}

const number = (value: number) => value.toLocaleString('en');

/** The same for people. */
export function insiderLines(report: InsiderReport | undefined): string[] {
  if (report === undefined) return [];
  const {
    node,
    deeds,
    rejected,
    provenTo,
    provenFirstS,
    honest,
    forgeriesHeld,
    forgeryLongestS,
    excludedS,
    rekeyed,
    rekeyedLastS,
  } = report;
  const proven =
    provenFirstS === null
      ? 'not proven'
      : `proven to ${provenTo} of ${honest}, first on day ${(provenFirstS / 86_400).toFixed(2)}`;
  return [
    '',
    `byzantine   node ${node}: ${number(deeds.frames)} frames, ${number(deeds.ownVersions)} versions of its own, ${number(deeds.forgedVersions)} in the name of others, ${number(deeds.equivocations)} double-dealt`,
    `            forgeries taken in ${number(forgeriesHeld)} times, held ${number(forgeryLongestS)} s at the longest; double-dealing ${proven}`,
    ...(excludedS === null
      ? []
      : [
          `            keys without it from day ${(excludedS / 86_400).toFixed(2)} on; ${rekeyed} of ${honest} use them${rekeyedLastS === null ? '' : `, the last since day ${(rekeyedLastS / 86_400).toFixed(2)}`}`,
        ]),
    `rejected    ${Object.entries(rejected)
      .map(([name, count]) => `${name} ${number(count)}`)
      .join(', ')}`,
  ];
}
