/**
 * Replays a script of commands on a cluster of real firmware, as etcd raft's testdata does. A
 * script holds each command, a line `----`, and the expected events and answers until an empty
 * line.
 */
import { FIELD, INTENT_STATE, TYPE, WORK_STATUS } from '../../host/cbor/generated.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { assign, lot, split } from '../firmware/driven.ts';
import { type ExecutionWatch, watched } from '../firmware/watch.ts';
import { Transcript } from './transcript.ts';

const separator = '----';
const stateNames = Object.fromEntries(Object.entries(INTENT_STATE).map(([name, state]) => [state, name]));

/** Seconds of `hours:minutes` or `hours:minutes:seconds`. */
function secondsOf(time: string): number {
  const [hours, minutes, seconds = 0] = time.split(':').map(Number);
  const s = hours * 3600 + minutes * 60 + seconds;
  if (!Number.isFinite(s)) throw new Error(`no time: ${time}`);
  return s;
}

/** A start-work command; a later one for the same work extends it. */
function workText(fields: readonly number[]): string {
  const minutes = Math.floor(fields[FIELD.startWork.untilS] / 60);
  const until = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  return `works in intent slot ${fields[FIELD.startWork.slot]} until ${until}`;
}

/** The commands of a script; lines that begin with `#` stay where they are. */
export class Script {
  private cluster: TestCluster | null = null;
  private watch: ExecutionWatch | null = null;
  private readonly incarnations = new Map<number, number>();

  /** The script's text with the outputs of this replay. */
  replay(text: string): string {
    const blocks = text.trim().split(/\n\n+/);
    return `${blocks.map((block) => this.block(block)).join('\n\n')}\n`;
  }

  private block(block: string): string {
    const lines = block.split('\n');
    const end = lines.indexOf(separator);
    const kept = end < 0 ? lines : lines.slice(0, end);
    const commands = kept.filter((line) => !line.startsWith('#'));
    if (commands.length === 0) return block;
    const output = commands.flatMap((command) => this.command(command.trim().split(/\s+/)));
    return [...kept, separator, ...(output.length === 0 ? ['ok'] : output)].join('\n');
  }

  private command([verb, ...words]: string[]): string[] {
    if (verb === 'cluster') return this.begin(Number(words[0]));
    const { cluster } = this;
    if (cluster === null) throw new Error('a script begins with: cluster NODES');
    const node = Number(words[0]);
    if (verb === 'run') return this.run(cluster, secondsOf(words[0]));
    else if (verb === 'assign') return [this.assign(cluster, node, secondsOf(words[1]))];
    else if (verb === 'fail')
      cluster.observe(node, { name: 'progress', slot: 0, status: WORK_STATUS.failed, movedKg: 0 });
    else if (verb === 'split') this.split(cluster, words.join(' '));
    else if (verb === 'merge') cluster.part.fill(0);
    else if (verb === 'restart') this.restart(cluster, node);
    else if (verb === 'show') return this.show(cluster, Number(words[0]));
    else throw new Error(`no command of a script: ${verb}`);
    return [];
  }

  /** `cluster NODES`: nodes that plan nothing themselves. */
  private begin(nodes: number): string[] {
    this.cluster = new TestCluster({ nodes, features: 0, groups: [lot] });
    this.watch = watched(this.cluster);
    return [];
  }

  private assign(cluster: TestCluster, node: number, untilS: number): string {
    const status = assign(cluster, node, Math.floor(cluster.nowMs / 1000), untilS);
    return `status ${status}`;
  }

  private split(cluster: TestCluster, sets: string): void {
    split(cluster, ...sets.split('|').map((set) => set.trim().split(' ').map(Number)));
  }

  /** Restarts a node from a checkpoint of this instant. */
  private restart(cluster: TestCluster, node: number): void {
    const incarnation = (this.incarnations.get(node) ?? 1) + 1;
    this.incarnations.set(node, incarnation);
    cluster.restore(node, incarnation, cluster.checkpoint(node));
  }

  /** Runs and prints what the nodes decided, and each double execution of a unit. */
  private run(cluster: TestCluster, untilS: number): string[] {
    const doublesBefore = this.watch?.doubles.length ?? 0;
    cluster.events.length = 0;
    cluster.commands.length = 0;
    cluster.runTo(untilS);
    const transcript = new Transcript();
    const records = [...cluster.events, ...cluster.commands].sort((a, b) => a.atS - b.atS);
    for (const { atS, node, fields } of records) {
      const timeMs = atS * 1000;
      if (fields[0] === TYPE.startWork) transcript.note(timeMs, node, workText(fields));
      else if (fields[0] === TYPE.stopWork)
        transcript.note(timeMs, node, `stops work in intent slot ${fields[FIELD.stopWork.slot]}`);
      else transcript.event(timeMs, node, Uint32Array.from(fields));
    }
    const doubles = this.watch?.doubles.slice(doublesBefore) ?? [];
    return [...transcript.text().split('\n').filter(Boolean), ...doubles.map((double) => `DOUBLE ${double}`)];
  }

  /** What each node stores of an owner's intent, and which nodes work. */
  private show(cluster: TestCluster, owner: number): string[] {
    return cluster.nodes.map((answers, node) => {
      const state = answers.intent(owner, 0)?.state;
      const what = state === undefined ? 'no intent' : `a ${stateNames[state]} intent`;
      return `node ${node} stores ${what} of node ${owner}${answers.isRunning(0) ? '; its own work runs' : ''}`;
    });
  }
}
