import type { Observers } from './observers.ts';
import type { Outcome } from './convergence.ts';
import { MEMBER_STATE } from './record.ts';
import { STUCK_S } from './rules.ts';
import { STATE_UNTOLD } from './views.ts';
import { Findings, seconds, type Verdict } from './verdict.ts';

/**
 * Liveness, asked once at the end: after the last cause has healed every disruption converges within its SLA (of those whose time was
 * up before the run ended), and no member that another reaches, and has reached for an hour, is left suspect or gone in its view.
 */
export function livenessAfterHealing(seen: Observers, outcomes: readonly Outcome[], endMs: number): Verdict {
  const findings = new Findings();
  const { ground, views } = seen;
  let healedS = 0;
  for (const fact of ground.disruptions) healedS = Math.max(healedS, fact.healedS ?? fact.onsetS);
  for (const outcome of outcomes) {
    const dueS = Math.max(healedS, outcome.onsetS) + outcome.slaS;
    if (dueS * 1000 > endMs || (outcome.convergedS !== null && outcome.convergedS <= dueS)) continue;
    findings.add(
      () => `${outcome.id} had not converged by ${dueS} s, when everything had been healed since ${healedS} s`,
    );
  }
  for (let observer = 0; observer < ground.nodes; observer++) {
    for (let member = 0; member < ground.nodes; member++) {
      if (observer === member || !ground.connected(observer, member)) continue;
      const state = views.state[observer * ground.nodes + member];
      if (
        state <= MEMBER_STATE.ALIVE ||
        state === STATE_UNTOLD ||
        endMs - ground.connectedSinceMs(observer, member) < STUCK_S * 1000
      )
        continue;
      if (endMs - views.changedMs[observer * ground.nodes + member] < STUCK_S * 1000) continue;
      const name = ['', '', 'suspect', 'unreachable', 'dead', 'left'][state] ?? 'gone';
      findings.add(
        () =>
          `at the end (${seconds(endMs)}) node ${observer} still takes node ${member} for ${name}, an hour in reach`,
      );
    }
  }
  return findings.verdict('liveness');
}
