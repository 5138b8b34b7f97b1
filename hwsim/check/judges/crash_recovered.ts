import { SLA_S } from '../bounds.ts';
import { atNode, Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { WorldChange } from '../../kernel/trace.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * RAD-5: judges crash recovery. A node whose runtime trapped runs again within the SLA of a node
 * failure; then every member that it reaches takes it for present, and it takes them. Minutes in
 * which its radio is silenced do not count. Resets of its processor in a row stay within their
 * bound; resets that the scenario injects come on top. Source: docs/judges.md.
 */
export class CrashRecovered implements Judge {
  readonly id = 'RAD-5-crash-recovery';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly resetsMax: number;
  /**
   * Nodes that trapped and are not back, with the time of the trap and the seconds that count
   * since.
   */
  private readonly open = new Map<number, { trappedMs: number; countedS: number }>();
  private readonly injectedResets: Int32Array;

  constructor(seen: Observers, resetsMax: number) {
    this.seen = seen;
    this.resetsMax = resetsMax;
    this.injectedResets = new Int32Array(seen.facts.nodes);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'node-down' && change.disruption !== null) this.injectedResets[change.node]++;
    if (change.kind !== 'trap') return;
    const { node, resets, site } = change;
    if (resets > this.resetsMax + this.injectedResets[node])
      this.findings.add(() => `${atNode(timeMs, node)} traps at site ${site} after ${resets} resets in a row`);
    if (!this.open.has(node)) this.open.set(node, { trappedMs: timeMs, countedS: 0 });
  }

  minute(timeMs: number): void {
    for (const [node, wait] of this.open) {
      if (wait.trappedMs >= timeMs) continue;
      if (this.isBack(node)) {
        this.open.delete(node);
        continue;
      }
      if (this.seen.ground.radio[node] === 1) wait.countedS += 60;
      if (wait.countedS <= SLA_S.node) continue;
      this.open.delete(node);
      const state = this.seen.ground.live(node)
        ? 'is still absent in the view of others, or takes them for absent'
        : 'does not run again';
      this.findings.add(
        () => `node ${node}, which trapped at ${seconds(wait.trappedMs)}, ${state} at ${seconds(timeMs)}`,
      );
    }
  }

  private isBack(node: number): boolean {
    const { ground, views } = this.seen;
    if (!ground.live(node) || ground.radio[node] === 0) return false;
    for (let other = 0; other < ground.nodes; other++) {
      if (other !== node && ground.connected(node, other) && views.isEitherAbsent(node, other)) return false;
    }
    return true;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}
