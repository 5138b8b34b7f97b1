import { LIVENESS } from '../../../host/cbor/generated.ts';
import { STUCK_S } from '../bounds.ts';
import { Findings, seconds, type Verdict } from '../verdict.ts';
import type { Outcome } from '../convergence/convergence.ts';
import type { Observers } from '../observe/observers.ts';
import { STATE_UNREPORTED } from '../observe/views.ts';

/**
 * Liveness: judges once, at the end of the run. After the last cause has healed, every disruption
 * converges within its SLA (those whose time was up before the run ended). No member that another
 * has reached for an hour (STUCK_S) is left suspect, unreachable, dead or left in the other's view.
 * Source: docs/judges.md.
 */
export function livenessAfterHealing(seen: Observers, outcomes: readonly Outcome[], endMs: number): Verdict {
  const findings = new Findings();
  const { ground, views } = seen;
  let healedS = 0;
  for (const fact of ground.disruptions) healedS = Math.max(healedS, fact.healedS ?? fact.onsetS);
  for (const outcome of outcomes) {
    if (outcome.sla === 'void') continue;
    const dueS = Math.max(healedS, outcome.onsetS) + outcome.slaS;
    if (dueS * 1000 > endMs || (outcome.convergedS !== null && outcome.convergedS <= dueS)) continue;
    findings.add(() => `${outcome.id} had not converged by ${dueS} s, although all causes had healed by ${healedS} s`);
  }
  for (let observer = 0; observer < ground.nodes; observer++) {
    for (let member = 0; member < ground.nodes; member++) {
      if (observer === member || !ground.connected(observer, member)) continue;
      const state = views.state[observer * ground.nodes + member];
      if (
        state <= LIVENESS.alive ||
        state === STATE_UNREPORTED ||
        endMs - ground.connectedSinceMs(observer, member) < STUCK_S * 1000
      )
        continue;
      if (endMs - views.changedMs[observer * ground.nodes + member] < STUCK_S * 1000) continue;
      const taken = `node ${observer} still takes node ${member}`;
      const name = ['', '', 'suspect', 'unreachable', 'dead', 'left'][state] ?? 'absent';
      findings.add(() => `at the end (${seconds(endMs)}) ${taken} for ${name}, after an hour in reach`);
    }
  }
  return findings.verdict('liveness');
}
