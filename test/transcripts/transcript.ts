import { FIELD, LIVENESS, TYPE } from '../../host/cbor/generated.ts';
import type { TraceConsumer, WorldChange } from '../../hwsim/kernel/trace.ts';

const states = Object.fromEntries(Object.entries(LIVENESS).map(([name, value]) => [value, name.toLowerCase()]));

/**
 * Writes a run in lines that people can compare: what the world did, what nodes decided. Equal
 * lines of many nodes in one minute are joined.
 */
export class Transcript implements TraceConsumer {
  private readonly nodesByLine = new Map<string, number[]>();

  event(timeMs: number, node: number, f: Uint32Array): void {
    if (f[0] === TYPE.booted)
      this.note(timeMs, node, f[FIELD.booted.restored] === 1 ? 'boots from its checkpoint' : 'boots');
    else if (f[0] === TYPE.memberState && f[FIELD.memberState.state] > LIVENESS.suspect)
      this.note(timeMs, node, `finds node ${f[FIELD.memberState.member]} ${states[f[FIELD.memberState.state]]}`);
    else if (f[0] === TYPE.settled)
      this.note(timeMs, node, `settles intent slot ${f[FIELD.settled.slot]} at ${f[FIELD.settled.rate]} kg/day`);
    else if (f[0] === TYPE.lost)
      this.note(timeMs, node, `gives intent slot ${f[FIELD.lost.slot]} up to node ${f[FIELD.lost.toOwner]}`);
    else if (f[0] === TYPE.noticedResource)
      this.note(timeMs, node, `learns that group ${f[1]} unit ${f[2]} has capacity ${f[3]}`);
    else if (f[0] === TYPE.converged)
      this.note(timeMs, node, `measures convergence of class ${f[1]} within ${f[3] - f[2]} s`);
    else if (f[0] === TYPE.escalation) this.note(timeMs, node, `climbs to rung ${f[1]} of the ladder`);
  }

  command(): void {}

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'disruption') this.note(timeMs, -1, `${change.id}: ${change.disruption.detail}`);
    else if (change.kind === 'partition')
      this.note(timeMs, -1, change.sets.length > 1 ? 'the cluster is cut apart' : 'all can hear each other');
  }

  end(): void {}

  /** The lines in the order of their minutes; the nodes of equal lines are joined. */
  text(): string {
    const lines = [...this.nodesByLine].map(([line, nodes]) => {
      const [minute, what] = line.split('|');
      const clock = `${String(Math.floor(+minute / 60)).padStart(3)}:${String(+minute % 60).padStart(2, '0')}`;
      const who = nodes[0] < 0 ? 'world' : nodes.length > 3 ? `${nodes.length} nodes` : `node ${nodes.join(', ')}`;
      return `${clock}  ${who.padEnd(14)} ${what}`;
    });
    return `${lines.join('\n')}\n`;
  }

  /** Adds a line of a node; node −1 is the world. */
  note(timeMs: number, node: number, what: string): void {
    const line = `${Math.floor(timeMs / 60_000)}|${what}`;
    const nodes = this.nodesByLine.get(line);
    if (nodes === undefined) this.nodesByLine.set(line, [node]);
    else if (!nodes.includes(node)) nodes.push(node);
  }
}
