import { readdirSync } from 'node:fs';
import type { MeasuredConvergence, PhaseTimes } from '../../node/phases.ts';
import { askNode, NoNodeError, type Query } from '../../node/query_server.ts';
import { labelled, print } from '../output.ts';
import { tableOf } from '../table.ts';
import { eventLine } from './log.ts';
import { stateFolder } from './options.ts';

export interface AskOptions {
  state: string;
  id?: number;
  json?: boolean;
}

type Row = Readonly<Record<string, number>>;
/** Seconds to converge: of the last disruption of a class, and on average; 0 = none yet. */
interface Durations {
  lastS: number;
  averageS: number;
}

/** What `node status` answers, as far as it is shown to people (host/node/telemetry.ts). */
interface Status {
  id: number;
  cluster: number;
  members: number;
  alive: number;
  pid: number;
  incarnation: number;
  timeKnown: boolean;
  missionS: number;
  clockErrorMs: number;
  safeMode: boolean;
  mute: { cause: string; untilS: number | null } | null;
  quorum: boolean;
  leaseUntilS: number;
  intents: number;
  convergence: { open: number; apartS: number; last: MeasuredConvergence | null; node: Durations; cluster: Durations };
  keyEpoch: number;
  heldBack: { orders: number; frames: number };
  radio: Record<string, number>;
  work: { slot: number; rate: number; startS: number; endS: number; running: boolean }[];
}

/** Indices of the members that have a folder in `state`. */
function idsIn(state: string): number[] {
  try {
    const ids = readdirSync(state).flatMap((name) => /^node-(\d+)$/.exec(name)?.[1] ?? []);
    return ids.map(Number).sort((one, other) => one - other);
  } catch {
    return [];
  }
}

/**
 * Asks the nodes that run with the folder `state`: member `id`, or all. Throws NoNodeError when
 * none runs.
 */
export async function ask(query: Query, { state, id, json = false }: AskOptions): Promise<void> {
  const ids = id === undefined ? idsIn(state) : [id];
  const textOfLine = (line: string) => (json ? line : textOf(query, JSON.parse(line)));
  const answers = new Map<number, string[]>(ids.map((one) => [one, []]));
  const asked = await Promise.allSettled(
    ids.map((one) =>
      askNode(stateFolder(state, one), query, (line) => {
        // Written directly: this is called from sockets, where a closed pipe must not throw.
        if (query === 'watch') process.stdout.write(`${textOfLine(line)}\n`);
        else answers.get(one)?.push(textOfLine(line));
      }),
    ),
  );
  for (const lines of answers.values()) for (const line of lines) print(line);
  const failed = asked.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  const error = failed.find((one) => !(one instanceof NoNodeError)) ?? failed[0];
  const where = id === undefined ? state : stateFolder(state, id);
  if (failed.length === ids.length)
    throw error ?? new NoNodeError(`no node runs with ${where}: start one with --state`);
}

function textOf(query: Query, answer: Record<string, unknown>): string {
  if (typeof answer.error === 'string') return answer.error;
  switch (query) {
    case 'status':
      return statusText(answer as unknown as Status);
    case 'members':
      return rowsText(answer.members as Row[], ['member', 'state', 'age', 'incarnation']);
    case 'intents':
      return rowsText(answer.intents as Row[], ['owner', 'slot', 'kind', 'state', 'verdict', 'startS', 'endS', 'rate']);
    case 'watch': {
      const { missionS, event, words, ...named } = answer;
      // Names stand beside the numbers.
      const fields = Object.entries(named).filter(([, value]) => typeof value === 'number');
      return eventLine(missionS as number, event as string, Object.fromEntries(fields) as Row, words as string);
    }
  }
}

function rowsText(rows: readonly Row[], columns: readonly string[]): string {
  const right = columns.filter((name) => typeof rows[0]?.[name] === 'number');
  return tableOf(
    columns,
    rows.map((row) => columns.map((name) => row[name])),
    right,
  );
}

/** Says what the node measured of convergence, on board. */
function convergenceParts({ convergence: { open, apartS, last, node, cluster } }: Status): string[] {
  const minutes = (timeS: number) => `${(timeS / 60).toFixed(1)} min`;
  const took = (name: string, { lastS, averageS }: Durations) =>
    averageS === 0 ? [] : [`${name} last ${minutes(lastS)}, average ${minutes(averageS)}`];
  const now = open === 0 ? 'no disruption open' : `${open} open, something differed until ${apartS} s`;
  const spent = ({ detect, agree, lease, claim }: PhaseTimes) =>
    `phases: detect ${minutes(detect)}, agree ${minutes(agree)}, lease ${minutes(lease)}, claim ${minutes(claim)}`;
  return [now, ...took('node', node), ...took('cluster', cluster), ...(last === null ? [] : [spent(last.phases)])];
}

function statusText(status: Status): string {
  const { id, cluster, members, alive, pid, incarnation, mute, heldBack, radio, work } = status;
  const error = `error at most ${status.clockErrorMs} ms`;
  const until = mute?.untilS === null ? '' : ` until ${mute?.untilS} s`;
  return [
    labelled('node', `member ${id} of cluster ${cluster}`, `process ${pid}`, `boot ${incarnation}`),
    labelled('time', status.timeKnown ? `${status.missionS.toFixed(0)} s, ${error}` : 'not known'),
    labelled('speaks', mute === null ? 'yes' : `no: ${mute.cause}${until}`, ...(status.safeMode ? ['safe mode'] : [])),
    labelled('members', `${alive} of ${members} alive`, status.quorum ? 'a majority agrees' : 'no majority agrees'),
    labelled('intents', `${status.intents} stored`, `lease until ${status.leaseUntilS} s`),
    labelled('converged', ...convergenceParts(status)),
    labelled('key epoch', String(status.keyEpoch)),
    labelled('radio', `${radio.framesSent} sent`, `${radio.framesReceived} received`),
    labelled('held back', `${heldBack.orders} orders`, `${heldBack.frames} frames`),
    ...work.map(({ slot, rate, startS, endS, running }) =>
      labelled('work', `intent ${slot}`, `${rate} kg/day`, `${startS} to ${endS} s`, running ? 'running' : 'waiting'),
    ),
  ].join('\n');
}
