import type { Finding } from './finding.ts';
import type { Scenario } from './schema.ts';

/** Largest figure of a record that an image takes. */
const figureMax = 0xffffffff;
/** A lot's share of extraction is at most this factor above the mean (1.1 ÷ 0.9, world/plan.ts). */
const lotShareMax = 1.25;
/** Upsets of one run: they are drawn before it begins, and each is judged. */
const upsetsMax = 1_000_000;
/** Bits of one node's memory that can flip, at most: constants and context of the largest image. */
const memoryBitsMax = 1 << 20;

/**
 * Checks figures that are possible alone and not together, so that whatever passes can be flown.
 */
export function figureRelations(scenario: Scenario): Finding[] {
  return [
    ...stockRelations(scenario),
    ...periodRelations(scenario),
    ...insiderRelations(scenario),
    ...upsetCount(scenario),
  ];
}

function stockRelations({ generations, nodes, world }: Scenario): Finding[] {
  const rateMax = Math.max(...generations.map(({ rateKgPerDay }) => rateKgPerDay));
  const lotKgPerDay = (world.saturation * nodes * rateMax * lotShareMax) / world.lots;
  if (lotKgPerDay * world.stockDays <= figureMax) return [];
  const most = Math.floor(figureMax / lotKgPerDay);
  const lot = `a lot of ${Math.ceil(lotKgPerDay)} kg a day`;
  const message = `is ${world.stockDays}: ${lot} would pass 2³² kg (at most ${most})`;
  return [{ path: ['world', 'stockDays'], message }];
}

/** What recurs ends before it begins again. */
function periodRelations({ world }: Scenario): Finding[] {
  const findings: Finding[] = [];
  const { maintenanceMinutes, maintenanceEveryDays, contactMinutes, contactEveryHours } = world;
  if (maintenanceMinutes >= maintenanceEveryDays * 1440) {
    const period = `every ${maintenanceEveryDays} days`;
    const message = `is ${maintenanceMinutes}, but maintenance recurs ${period} (make it shorter)`;
    findings.push({ path: ['world', 'maintenanceMinutes'], message });
  }
  if (contactMinutes >= contactEveryHours * 60) {
    const message = `is ${contactMinutes}, but windows recur every ${contactEveryHours} hours (make them shorter)`;
    findings.push({ path: ['world', 'contactMinutes'], message });
  }
  return findings;
}

function insiderRelations({ insider, nodes }: Scenario): Finding[] {
  if (insider === undefined) return [];
  const { node, fromDay, toDay } = insider;
  const findings: Finding[] = [];
  if (node !== undefined && node >= nodes) {
    const message = `is ${node}: nodes are 0 to ${nodes - 1} (name one of them, or raise nodes)`;
    findings.push({ path: ['insider', 'node'], message });
  }
  if (toDay !== undefined && toDay < fromDay)
    findings.push({ path: ['insider', 'toDay'], message: `is before fromDay, ${fromDay} (swap them)` });
  return findings;
}

/** Estimates the upsets of the run from above. A storm counts with its peak for rise and decay. */
function upsetCount({ upsets, nodes, days, disruptions }: Scenario): Finding[] {
  if (upsets === undefined) return [];
  const stormDays = disruptions.map((disruption) =>
    disruption.kind === 'storm' ? ((disruption.riseHours + disruption.decayHours) * disruption.upsetPeak) / 24 : 0,
  );
  const quietDays = stormDays.reduce((sum, each) => sum + each, days);
  const expected = upsets.perBitDay * upsets.scale * memoryBitsMax * nodes * quietDays;
  if (expected <= upsetsMax) return [];
  const count = expected.toLocaleString('en', { maximumFractionDigits: 0 });
  const message = `make some ${count} upsets, more than ${upsetsMax} (a lower perBitDay or scale, or fewer days)`;
  return [{ path: ['upsets'], message }];
}
