import type { Finding } from './finding.ts';
import type { Disruption, Scenario } from './schema.ts';

/** Returns when a disruption happens at the earliest, days. */
function fromDay({ when }: Disruption): number {
  return 'atDay' in when ? when.atDay : when.fromDay;
}

/**
 * Finds disruptions that cannot happen as written: more deaths than the cluster can have, resets
 * and hangs of more nodes than there are, more lots or tugs lost than there are, and partitions or
 * storms that affect nobody. Disruptions after the end of the run are left out, as in the run.
 */
export function impossibleDisruptions({ disruptions, nodes, days, world }: Scenario): Finding[] {
  const findings: Finding[] = [];
  const used = { 'node-death': 0, 'lot-depleted': 0, 'tug-lost': 0 };
  const deadByName = new Set<number>();
  disruptions.forEach((disruption, index) => {
    if (fromDay(disruption) > days) return;
    const at = (field: string, message: string) =>
      findings.push({ path: ['disruptions', index, ...(field === '' ? [] : [field])], message });
    switch (disruption.kind) {
      case 'node-death': {
        const { count, node } = disruption;
        const before = used[disruption.kind];
        used[disruption.kind] += count;
        if (node !== undefined && deadByName.has(node))
          at('node', `is ${node}, which dies already (name each node once)`);
        else if (before < nodes && before + count >= nodes)
          at('count', `makes ${before + count} deaths in a cluster of ${nodes} (leave at least one node alive)`);
        if (node !== undefined) deadByName.add(node);
        return;
      }
      case 'reset':
      case 'hung-task':
      case 'hung-runtime':
        if (disruption.count > nodes)
          at('count', `is ${disruption.count}, but there are ${nodes} nodes (lower it, or raise nodes)`);
        return;
      case 'lot-depleted':
        used[disruption.kind] += 1;
        if (used[disruption.kind] > world.lots)
          at('kind', `comes more often than there are lots, ${world.lots} (leave it out)`);
        return;
      case 'tug-lost':
        used[disruption.kind] += 1;
        if (used[disruption.kind] > world.tugs)
          at('kind', `comes more often than there are tugs, ${world.tugs} (leave it out)`);
        return;
      case 'occultation':
        if (Math.round(disruption.share * nodes) >= nodes)
          at('share', `hides all ${nodes} nodes together, which divides nobody (make it smaller)`);
        return;
      case 'storm':
        if (disruption.silenceHours === 0 && Math.round(disruption.resetShare * nodes) === 0)
          at('resetShare', 'resets no node, and silenceHours is 0: the storm affects nobody (raise either)');
    }
  });
  return findings;
}
