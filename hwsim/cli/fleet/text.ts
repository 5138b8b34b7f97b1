import { labelled } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import type { KnownAges } from '../../federation/ages.ts';
import type { FleetResult, SlaSummary } from '../../federation/report.ts';

const whole = (value: number) => Math.round(value).toLocaleString('en');
const minutes = (s: number | null) => (s === null ? null : `${(s / 60).toFixed(1)} min`);
const hours = (min: number) => `${(min / 60).toFixed(1)} h`;
const plural = (count: number, noun: string) => `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;

function slaTable({ sla }: FleetResult): string {
  const row = (name: string, { n, p50S, p99S, maxS, breaches }: SlaSummary) =>
    n === 0
      ? [name, 0, null, null, null, 'not measured']
      : [
          name,
          n,
          minutes(p50S),
          minutes(p99S),
          minutes(maxS),
          plural(breaches, 'breach').replace('breachs', 'breaches'),
        ];
  const rows = [
    row('node', sla.node),
    row('cluster', sla.cluster),
    row('cross-cluster', sla.crossCluster),
    row('fleet', sla.fleet),
  ];
  return tableOf(['class', 'disruptions', 'p50', 'p99', 'longest', 'SLA'], rows, [
    'disruptions',
    'p50',
    'p99',
    'longest',
  ]);
}

function knownLine({ p50Min, maxMin, samples }: KnownAges): string {
  if (p50Min === null || maxMin === null)
    return labelled('known', 'not measured: shorter than 12 h, or nobody to know');
  const age = `other clusters as of ${hours(p50Min)} ago (p50), ${hours(maxMin)} at most`;
  return labelled('known', age, `${whole(samples)} samples`);
}

function kernelLines({ kernels, extrapolation }: FleetResult): string[] {
  if (kernels === null) return [];
  const { clusters, sizes, images } = kernels;
  const drawn = `${plural(clusters, 'cluster')} of ${sizes.join(', ')} nodes`;
  const image = `image ${images.map((sha) => sha.slice(0, 8)).join(', ')}`;
  return [
    labelled('drawn from', drawn, image),
    ...(extrapolation.length === 0 ? [] : [labelled('EXTRAPOLATED', ...extrapolation)]),
  ];
}

/** Formats the result of a fleet's flight. */
export function fleetText(result: FleetResult, again: string): string {
  const { nodes, clusters, regions, days, seed, image, rung, production, membership, radio, known, checks } = result;
  const { achievableKg, actualKg, boundGap } = production;
  const { abroad } = radio;
  const share = `${((100 * actualKg) / achievableKg).toFixed(1)} %`;
  return [
    labelled(
      'fleet',
      `${plural(nodes, 'node')} in ${plural(clusters, 'cluster')} of ${plural(regions, 'region')}`,
      ...[`${days} days`, `seed ${seed}`, rung === 'firmware' ? `image ${image}` : 'statistical rung: no node flew'],
    ),
    ...kernelLines(result),
    slaTable(result),
    ...checks.map(({ id, ok, violations, examples }) =>
      ok ? labelled('holds', id) : labelled('VIOLATED', `${id}, ${violations} times`, ...examples.slice(0, 1)),
    ),
    labelled(
      'production',
      `${whole(actualKg)} kg of ${whole(achievableKg)} achievable, ${share}`,
      ...(boundGap === null ? [] : [`a plan reaches ${(100 * (1 - boundGap)).toFixed(1)} % of it`]),
    ),
    labelled(
      'membership',
      `${plural(membership.falseDeaths, 'false death')} in ${membership.nodeYears.toFixed(2)} node·years`,
    ),
    labelled(
      'abroad',
      plural(abroad.contacts, 'contact'),
      plural(abroad.framesReceived, 'frame'),
      `${whole(abroad.refused)} refused`,
    ),
    knownLine(known),
    labelled('not built', ...result.notBuilt),
    labelled(
      'cost',
      `${result.wallS.toFixed(1)} s on ${plural(result.threads, 'thread')}`,
      `${((1000 * result.processorS) / nodes / days).toFixed(1)} ms of processor time per node·day`,
      `clusters fly ${whole(result.meanTurnMin)} min at a time`,
      ...(rung === 'firmware'
        ? [
            `${whole(result.eventsPerS)} events/s`,
            `${whole(result.eventsPerNodeDay)} events per node·day`,
            `${result.nodeYearsPerCoreHour.toFixed(2)} node·years per core-hour`,
          ]
        : []),
      `${whole(result.rssMiB)} MiB`,
    ),
    labelled('decisions', result.decisionHash),
    labelled('trace hash', result.traceHash),
    labelled('again', again),
  ].join('\n');
}
