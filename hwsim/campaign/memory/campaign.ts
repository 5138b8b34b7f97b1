import type { ImageFacts } from '../../../host/engine/engine.ts';
import type { Body } from '../../world/bodies.ts';
import { layWorld } from '../../world/plan.ts';
import type { ImageName, InjectionRecord } from '../campaign.ts';
import type { ModelName } from '../fault_models.ts';
import type { Judgement } from '../outcomes.ts';
import { AgreementWatch } from './agreement.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { drawUpset, type Upset, type Window, windowOf } from './draw.ts';
import type { Evidence } from './evidence.ts';
import type { Injection } from './fork_engine.ts';
import { ForkPool } from './fork_pool.ts';
import { type Golden, recordGolden } from './golden.ts';
import { judgeFork, judgeQuiet } from './judge.ts';
import { Program } from './machine.ts';
import { type Divergence, type Ending, NodeReplay } from './replay.ts';
import { injectionScenario } from './scenario.ts';
import { traceTouches } from './touches.ts';

/** Everything that determines a campaign on one image; it can be sent to other threads. */
export interface CampaignSetting {
  image: ImageName;
  facts: ImageFacts;
  /** The image with metered loops, the one that reports its accesses, and what records these. */
  metered: Uint8Array;
  traced: Uint8Array;
  recorder: Uint8Array;
  body: Body;
  seed: number;
  models: readonly ModelName[];
  n: number;
  span: Span;
}

/** Length of the run and window of upsets, hours. */
export interface Span {
  hours: number;
  fromHours: number;
  toHours: number;
}

const hourMs = 3_600_000;

/** One image's campaign: the golden run, and any of its injections. */
export class Campaign {
  readonly setting: CampaignSetting;
  readonly golden: Golden;
  readonly program: Program;
  readonly window: Window;
  readonly #traced: Program;
  readonly #recorder: WebAssembly.Module;
  readonly #bookkeeping: Bookkeeping;
  readonly #forks: ForkPool;
  #indices: number[][] | null = null;

  constructor(setting: CampaignSetting) {
    this.setting = setting;
    const { metered, traced, recorder, facts, body, seed, span } = setting;
    this.program = new Program(metered);
    this.#traced = new Program(traced);
    this.#recorder = new WebAssembly.Module(recorder as Uint8Array<ArrayBuffer>);
    const scenario = injectionScenario();
    const watch = new AgreementWatch(layWorld(scenario, { seed, nodes: scenario.nodes, body }), 0, 0);
    this.golden = recordGolden(this.program, facts, { scenario, body, seed, hours: span.hours }, [watch]);
    this.window = windowOf(this.golden.logs, span.fromHours * hourMs, span.toHours * hourMs);
    this.#bookkeeping = new Bookkeeping(this.program, this.golden);
    this.#forks = new ForkPool(this.program, facts, this.golden, watch.agreed, this.#bookkeeping);
  }

  get nodes(): number {
    return this.golden.logs.length;
  }

  upset(index: number): Upset {
    const { window, program } = this;
    return drawUpset({ ...this.setting, window, program }, index);
  }

  /** Returns the numbers of the injections into a node. */
  indicesOf(node: number): readonly number[] {
    if (this.#indices === null) {
      this.#indices = Array.from({ length: this.nodes }, () => []);
      for (let index = 0; index < this.setting.n; index += 1) this.#indices[this.upset(index).node].push(index);
    }
    return this.#indices[node];
  }

  /**
   * Makes the given injections, all into one node. `exhaustive`: without pruning and without
   * sharing forks, the slow way.
   */
  run(node: number, indices: readonly number[], onRecord: (record: InjectionRecord) => void, exhaustive = false): void {
    // Tracing takes a replay of the node's whole run.
    if (indices.length === 0) return;
    const log = this.golden.logs[node];
    const touches = exhaustive ? null : traceTouches(this.#traced, this.#recorder, log);
    const shared = exhaustive ? null : new Map<string, Evidence>();
    const diverged: Ending[] = [];
    const replay = new NodeReplay(this.program, log, touches, this.#bookkeeping, (ending) => {
      if (ending.divergence === null) onRecord(this.#record(ending.upset, judgeQuiet(ending)));
      else diverged.push(ending);
    });
    for (const index of indices) replay.add(this.upset(index));
    replay.run();
    for (const { upset, divergence } of diverged)
      onRecord(this.#record(upset, this.#judge(upset, divergence as Divergence, shared)));
  }

  /**
   * Judges what the forked cluster shows after a divergence. Traps that leave nothing behind but a
   * restart from sound checkpoints are alike: they share a fork, kept in `shared`.
   */
  #judge(upset: Upset, divergence: Divergence, shared: Map<string, Evidence> | null): Judgement {
    const { node } = upset;
    const { call, kind, site, stored } = divergence;
    const divergedMs = this.golden.logs[node].timeMs[call];
    const down = kind === 'trap' || kind === 'hang';
    if (shared === null || !down || stored)
      return judgeFork(this.#forks.fly(injectionOf(upset, divergence), divergedMs));
    const hang = kind === 'hang';
    const key = `${call}/${hang}`;
    let evidence = shared.get(key);
    if (evidence === undefined) {
      evidence = this.#forks.fly({ node, call, how: 'trap', site, hang }, divergedMs);
      shared.set(key, evidence);
    }
    const { first, detection } = evidence;
    return judgeFork({ ...evidence, first: { ...first, site }, detection: detection && { ...detection, site } });
  }

  /** Flies the cluster with one injection, for tests and tools. */
  fork(injection: Injection): Evidence {
    return this.#forks.fly(injection, this.golden.logs[injection.node].timeMs[injection.call]);
  }

  #record({ index, model, span, node, call, place, bits }: Upset, judgement: Judgement): InjectionRecord {
    const { image, seed, models } = this.setting;
    return {
      index,
      target: 'wasm',
      image,
      seed,
      models: models.join(','),
      model,
      ...(span === undefined ? {} : { span }),
      node,
      call,
      timeS: Math.round(this.golden.logs[node].timeMs[call] / 1000),
      place,
      region: place < this.program.context ? 'static' : 'context',
      bits,
      ...judgement,
    };
  }
}

/**
 * A fork begins where the injected node diverges; or at the upset itself when a checkpoint was
 * stored in between.
 */
function injectionOf(upset: Upset, divergence: Divergence): Injection {
  const { forkCall: call, stored, words, values, upsets, stuck } = divergence;
  if (stored) return { node: upset.node, call: upset.call, how: 'upset', upset };
  if (values.length === 0) return { node: upset.node, call, how: 'upset', upset };
  return { node: upset.node, call, how: 'words', words, values, upsets, stuck: stuck ? upset : null };
}
