import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rootFolder } from '../../host/build/root.ts';
import { askNode, type Query } from '../../host/node/query_server.ts';
import { freePorts } from './support.ts';

const command = join(rootFolder, 'dist', 'heliograph.mjs');

export interface LogLine {
  readonly missionS: number;
  readonly event: string;
  readonly words?: string;
  readonly [field: string]: string | number | undefined;
}

/** How a process starts, besides its arguments. */
export interface Start {
  /** A module that is loaded before the program. */
  preload?: string;
  stdout?: 'pipe' | number;
}

/** `heliograph node` as a process. */
export class RunningNode {
  readonly lines: LogLine[] = [];
  stderr = '';
  /** All that was printed. */
  said = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], { preload, stdout = 'pipe' }: Start = {}) {
    const before = preload === undefined ? [] : ['--import', preload];
    this.child = spawn(process.execPath, [...before, command, 'node', ...args, '--json'], {
      stdio: ['ignore', stdout, 'pipe'],
    });
    let rest = '';
    this.child.stdout?.on('data', (chunk) => {
      this.said += chunk;
      const whole = (rest + chunk).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) this.lines.push(JSON.parse(line) as LogLine);
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
      this.said += chunk;
    });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  all(event: string, holds: (line: LogLine) => boolean = () => true): LogLine[] {
    return this.lines.filter((line) => line.event === event && holds(line));
  }

  saw(event: string, holds: (line: LogLine) => boolean = () => true): boolean {
    return this.all(event, holds).length > 0;
  }

  /** The last state that this node reported of a member: `alive`. */
  stateOf(member: number): string | undefined {
    return this.all('member-state', (line) => line.member === member).at(-1)?.stateName as string | undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the process; returns its exit code, null when the signal killed it. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill('SIGCONT');
    this.child.kill(signal);
    return this.ended;
  }
}

/** Arguments of the members of a cluster with simulated keys, on free ports, by index. */
export async function clusterArgs(members: number, state: string, timeScale: number): Promise<string[][]> {
  const ports = await freePorts(members);
  const radio = `udp://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  const epoch = new Date(Date.now() - 1000).toISOString();
  const shared = ['--members', String(members), '--radio', radio, '--keys', 'simulated', '--preset', 'tiny'];
  return ports.map((_, id) => [
    ...['--id', String(id), '--cluster', '1', ...shared],
    ...['--state', state, '--epoch', epoch, '--time-scale', String(timeScale)],
  ]);
}

/** What a running node answers to a question. */
export async function asked<T>(state: string, id: number, query: Query): Promise<T> {
  let answer: T | undefined;
  await askNode(join(state, `node-${id}`), query, (line) => {
    answer ??= JSON.parse(line) as T;
  });
  if (answer === undefined) throw new Error(`node ${id} answered nothing`);
  return answer;
}

/** Runs `heliograph node …`, which is refused: one that is not ends after half a minute. */
export function runNode(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [command, 'node', ...args], { encoding: 'utf8', timeout: 30_000 });
}
