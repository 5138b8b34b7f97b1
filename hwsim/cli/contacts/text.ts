import { labelled } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { sunExclusionDeg } from '../../world/orbits/link.ts';
import type { ContactsReport } from './report.ts';

/** Asteroids that are named; the rest is counted. */
const bodiesShownMax = 8;

const whole = (value: number) => Math.round(value).toLocaleString('en');
const hours = (ms: number | undefined) => (ms === undefined ? null : `${(ms / 3_600_000).toFixed(2)} h`);
const seconds = (ms: number) => (ms < 10_000 ? (ms / 1000).toFixed(1) : whole(ms / 1000));
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const plural = (count: number, noun: string) => `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;

function placesLine({ places, seed }: ContactsReport): string {
  const at = (kind: string) => places.filter((place) => place.kind === kind).length;
  const parts = [`${at('L4')} at L4`, `${at('L5')} at L5`, `${at('asteroid')} at asteroids`];
  return labelled('clusters', `${places.length}: ${parts.join(', ')}; seed ${seed}`);
}

function bodiesLine({ places }: ContactsReport): string[] {
  const bodies = places.flatMap(({ body, aAu }) => (body === null ? [] : [`${body} ${aAu.toFixed(2)} AU`]));
  if (bodies.length === 0) return [];
  const more = bodies.length - bodiesShownMax;
  return [labelled('asteroids', ...bodies.slice(0, bodiesShownMax), ...(more > 0 ? [`${more} more (--json)`] : []))];
}

function groupTable({ groups, places, days }: ContactsReport): string {
  const head = ['region', 'place', 'clusters', 'from the Sun', 'nearest', 'pairs', 'a day', 'light time'];
  const rows = groups.map(({ region, clusters, nearest, pairs, contacts, lightTimeMs, news }) => {
    const own = places.filter((place) => place.region === region);
    const suns = own.map(({ sunAu }) => sunAu);
    const light = lightTimeMs && `${seconds(lightTimeMs.min)}–${seconds(lightTimeMs.max)} s`;
    return [
      ...(region === null ? ['between', null] : [region, own[0].kind]),
      clusters,
      region === null ? null : `${Math.min(...suns).toFixed(2)}–${Math.max(...suns).toFixed(2)} AU`,
      nearest && (nearest.min === nearest.max ? nearest.min : `${nearest.min}–${nearest.max}`),
      ...[pairs, whole(contacts / days), light],
      ...[hours(news?.p50Ms), hours(news?.maxMs)],
    ];
  });
  return tableOf([...head, 'news p50', 'max'], rows, [...head.slice(2), 'news p50', 'max']);
}

function figureLines(report: ContactsReport): string[] {
  const { days, periodMin, contacts, contactsADay, radioUse, lookaheadMs, bitsPerS } = report;
  if (lookaheadMs === null || bitsPerS === null) return [labelled('plan', `${plural(days, 'day')}, no contacts`)];
  const { min, median, max } = contactsADay;
  return [
    labelled('plan', plural(days, 'day'), plural(contacts, 'contact'), `one in ${periodMin} min for each pair`),
    labelled('a cluster', `${whole(min)} to ${whole(max)} contacts a day, median ${whole(median)}`),
    labelled('radio use', `median ${percent(radioUse.median)}, at most ${percent(radioUse.max)}`),
    labelled('rate', `${whole(bitsPerS.min)} to ${whole(bitsPerS.max)} bit/s`),
    labelled('lookahead', `${seconds(lookaheadMs)} s from a contact's begin to its arrival, at least`),
  ];
}

function graphLines(report: ContactsReport): string[] {
  const { days, nearSun, withoutLink, displaced, unscheduled, components, daysDivisible, groups } = report;
  const { newsDays } = groups.at(-1)!;
  const survives =
    daysDivisible === 0
      ? 'connected without any one cluster'
      : `on ${daysDivisible} of ${plural(days, 'day')} the loss of one cluster can DIVIDE it`;
  const lacking = labelled('NO TIME', `the radios have none for ${plural(unscheduled, 'pair')}, summed over the days`);
  return [
    labelled(
      'Sun',
      `within ${sunExclusionDeg}° no link: ${percent(withoutLink)} of a region's pairs at noon`,
      `${plural(nearSun, 'contact')} left out`,
    ),
    labelled('midnight', `${plural(displaced, 'contact')} left out where two days' timetables meet`),
    labelled('graph', plural(components, 'component'), survives),
    ...(unscheduled === 0 ? [] : [lacking]),
    labelled('news', 'from any cluster to all of its region', `between: to the whole fleet, ${newsDays} days`),
  ];
}

/** Formats the report of `heliograph contacts`; `again` is the command that reproduces it. */
export function contactsText(report: ContactsReport, again: string): string {
  return [
    placesLine(report),
    ...bodiesLine(report),
    '',
    groupTable(report),
    '',
    ...figureLines(report),
    ...graphLines(report),
    labelled('plan hash', report.planHash),
    // A command to copy is one line.
    `again       ${again}`,
  ].join('\n');
}
