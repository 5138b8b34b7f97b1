import { withNames } from '../../host/cbor/names.ts';
import { missionClock } from '../../host/cli/mission_clock.ts';
import { print, wrapped } from '../../host/cli/output.ts';
import { nameRecord, recordText } from '../../host/cli/record_text.ts';
import type { WorldChange } from '../kernel/trace.ts';

/** Columns before the text of a line: time and source. */
const textColumn = 29;

/**
 * Prints what happens in a run, one line each: as text for people, or as one JSON object per line.
 */
export class EventLog {
  readonly #json: boolean;
  lines = 0;

  constructor(json = false) {
    this.#json = json;
  }

  /** Prints an event or command of a node; `source` names its origin in text. */
  record(timeMs: number, node: number, source: string, fields: Uint32Array, length: number): void {
    const { name, fields: named } = nameRecord(fields, length);
    if (this.#json) this.object({ timeS: timeMs / 1000, node, event: name, ...withNames(name, named) });
    else this.text(timeMs, source, recordText(name, named));
  }

  world(timeMs: number, change: WorldChange): void {
    if (this.#json) this.object({ timeS: timeMs / 1000, world: change.kind, ...change });
    else this.text(timeMs, 'world', worldText(change));
  }

  text(timeMs: number, source: string, text: string): void {
    this.lines += 1;
    print(wrapped(`${missionClock(timeMs)}  ${source.padEnd(9)} ${text}`, textColumn));
  }

  object(value: object): void {
    this.lines += 1;
    print(JSON.stringify(value));
  }
}

function capacityText({ capacityKgPerDay, stockKg }: { capacityKgPerDay: number; stockKg: number }): string {
  return `capacity ${Math.round(capacityKgPerDay)} kg/day, stock ${Math.round(stockKg)} kg`;
}

/** Formats a change of the world. */
function worldText(change: WorldChange): string {
  switch (change.kind) {
    case 'disruption':
      return `disruption ${change.id}: ${change.disruption.detail} (${change.disruption.nodes.length} nodes)`;
    case 'node-up':
      return `node ${change.node} up`;
    case 'node-down':
      return `node ${change.node} down${change.permanent ? ' for good' : ''}`;
    case 'radio-up':
    case 'radio-down':
      return `radio of node ${change.node} ${change.kind === 'radio-up' ? 'up' : 'down'}`;
    case 'partition':
      return change.sets.length === 0
        ? 'partition over: all nodes hear each other'
        : `partition into sets of ${change.sets.map((set) => set.length).join(', ')} nodes`;
    case 'group-capacity':
      return `group ${change.group}: ${capacityText(change)}`;
    case 'unit':
      return `unit ${change.unit} of group ${change.group} ${change.usable ? 'usable' : 'unusable'}`;
    case 'credit':
      return `node ${change.node} credited ${change.kg.toFixed(1)} kg on unit ${change.unit} of group ${change.group}`;
    case 'work-ended':
      return `work of node ${change.node} ended, intent slot ${change.slot}`;
    case 'double-execution':
      return `unit ${change.unit} of group ${change.group} is worked by nodes ${change.nodes.join(' and ')} at once`;
    case 'upset':
      return `upset in node ${change.node}: bits ${change.bits.join(', ')}${change.inUse ? '' : ', not in use'}`;
    case 'access-fault':
      return `fault of non-volatile memory of node ${change.node} during a ${change.access}`;
    case 'trap':
      return `trap of node ${change.node} at site ${change.site}, ${change.resets} resets in a row`;
    case 'divergence':
      return `node ${change.node} diverges from its replica: ${change.omission ? 'omits' : 'gives'} ${change.what}`;
    case 'corrupt-accepted':
      return `corrupt frame of node ${change.node} accepted by nodes ${change.by.join(', ')}`;
    case 'latent':
      return `${change.bits} wrong bits are left in the memory of node ${change.node}`;
  }
}
