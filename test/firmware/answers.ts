/** Reads what a node's `inspect` answers, by the names of proto/schema/inspect.cddl. */
import { ANSWER, INSPECT } from '../../host/cbor/generated.ts';
import { summaryOf } from '../../host/security/summary.ts';

const intentsPerOwner = 8;
/** Clusters that a node knows at most. */
const regionClusters = 64;
/** Of each loss counter: its count, and the local second of the first loss. */
const wordsPerCounter = 2;

type AnswerName = keyof typeof ANSWER;
export type Answer<Name extends AnswerName> = { readonly [Field in keyof (typeof ANSWER)[Name]]: number };

function named<Name extends AnswerName>(name: Name, words: readonly number[]): Answer<Name> {
  const fields = Object.entries<number>(ANSWER[name]).map(([field, at]) => [field, words[at]]);
  return Object.fromEntries(fields) as Answer<Name>;
}

/** One node as its telemetry shows it. */
export abstract class NodeAnswers {
  /** The words that the node answers; none when there is nothing to answer. */
  abstract inspect(what: number, index?: number): number[];

  node(): Answer<'node'> {
    return named('node', this.inspect(INSPECT.node));
  }

  member(member: number): Answer<'member'> {
    return named('member', this.inspect(INSPECT.member, member));
  }

  /** The intent that this node stores of an owner; undefined: none. */
  intent(owner: number, intentSlot: number): Answer<'intent'> | undefined {
    const words = this.inspect(INSPECT.intent, owner * intentsPerOwner + intentSlot);
    return words.length === 0 ? undefined : named('intent', words);
  }

  /** This node's own work in an intent slot. */
  own(intentSlot: number): Answer<'own'> {
    return named('own', this.inspect(INSPECT.own, intentSlot));
  }

  isRunning(intentSlot: number): boolean {
    return this.own(intentSlot).running === 1;
  }

  /** A rota of the configuration; undefined: there are fewer. */
  rota(index: number): Answer<'rota'> | undefined {
    const words = this.inspect(INSPECT.rota, index);
    return words.length === 0 ? undefined : named('rota', words);
  }

  view(): Answer<'view'> {
    return named('view', this.inspect(INSPECT.view));
  }

  convergence(): Answer<'convergence'> {
    return named('convergence', this.inspect(INSPECT.convergence));
  }

  /** Round and digest of the view, as one text to compare. */
  viewDigest(): string {
    const { round, digestHigh, digestLow } = this.view();
    return `${round} ${digestHigh} ${digestLow}`;
  }

  /** The own summary (0), or the foreign one in place `index` - 1; null: none. */
  summary(index = 0): Uint8Array | null {
    return summaryOf(Uint32Array.from(this.inspect(INSPECT.summary, index)));
  }

  /** The entry of the table of clusters that is about `cluster`. */
  clusterKnown(cluster: number): Answer<'cluster'> | undefined {
    for (let index = 0; index < regionClusters; index++) {
      const words = this.inspect(INSPECT.cluster, index);
      if (words.length > 0 && words[ANSWER.cluster.cluster] === cluster) return named('cluster', words);
    }
    return undefined;
  }

  /** The decision under way, or made last; undefined: none was opened. */
  decision(): Answer<'decision'> | undefined {
    const words = this.inspect(INSPECT.decision);
    return words.length === 0 ? undefined : named('decision', words);
  }

  /** The split that this node accepted last, or that divided its cluster. */
  division(): (Answer<'division'> & { second: number[] }) | undefined {
    const words = this.inspect(INSPECT.division);
    if (words.length === 0) return undefined;
    const from = ANSWER.division.members;
    const second = Array.from({ length: 200 }, (_, member) => member).filter(
      (member) => ((words[from + (member >>> 5)] >>> (member & 31)) & 1) !== 0,
    );
    return { ...named('division', words), second };
  }

  group(group: number): Answer<'group'> {
    return named('group', this.inspect(INSPECT.group, group));
  }

  schedule(): Answer<'schedule'> {
    return named('schedule', this.inspect(INSPECT.schedule));
  }

  protection(): Answer<'protection'> {
    return named('protection', this.inspect(INSPECT.protection));
  }

  keys(): Answer<'keys'> {
    return named('keys', this.inspect(INSPECT.keys, 1));
  }

  /** All loss counters, by their number. */
  lossCounts(): number[] {
    return this.inspect(INSPECT.counters).filter((_, word) => word % wordsPerCounter === 0);
  }

  lossCount(counter: number): number {
    return this.lossCounts()[counter];
  }
}
