import type { ImageFacts } from '../../../host/engine/engine.ts';
import type { InjectionRecord, ModelName } from '../outcomes.ts';
import type { Body } from '../../world/bodies.ts';
import { layWorld } from '../../world/plan.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { drawUpset, type Upset, type Window, windowOf } from './draw.ts';
import type { Evidence } from './evidence.ts';
import { ForkPool, type Strike } from './fork.ts';
import { type Golden, recordGolden } from './golden.ts';
import { type Judgement, judgeFork, judgeQuiet } from './judge.ts';
import { Program } from './machine.ts';
import { Rejoin } from './rejoin.ts';
import { type Divergence, type Ending, NodeReplay } from './replay.ts';
import { injectionScenario } from './scene.ts';
import { traceTouches } from './touches.ts';

export type ImageName = 'protected' | 'unprotected';

/** Everything that a campaign on one image is a function of; crosses threads as it is. */
export interface CampaignSetting {
  image: ImageName;
  facts: ImageFacts;
  /** The image with metered loops, and with its accesses told. */
  metered: Uint8Array;
  traced: Uint8Array;
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
  readonly #bookkeeping: Bookkeeping;
  readonly #yard: ForkPool;
  #indices: number[][] | null = null;

  constructor(setting: CampaignSetting) {
    this.setting = setting;
    const { metered, traced, facts, body, seed, span } = setting;
    this.program = new Program(metered);
    this.#traced = new Program(traced);
    const scenario = injectionScenario();
    const rejoin = new Rejoin(layWorld(scenario, { seed, nodes: scenario.nodes, body }), 0, 0);
    this.golden = recordGolden(this.program, facts, { scenario, body, seed, hours: span.hours }, [rejoin]);
    this.window = windowOf(this.golden.logs, span.fromHours * hourMs, span.toHours * hourMs);
    this.#bookkeeping = new Bookkeeping(this.program, this.golden);
    this.#yard = new ForkPool(this.program, facts, this.golden, rejoin.agreed, this.#bookkeeping);
  }

  get nodes(): number {
    return this.golden.logs.length;
  }

  /** Bits that an upset may strike. */
  get bits(): number {
    return (this.program.stateTo - this.program.stateFrom) * 8;
  }

  upset(index: number): Upset {
    const { seed, models } = this.setting;
    return drawUpset(seed, index, models, this.window, this.program);
  }

  /** Numbers of the injections that strike a node. */
  indicesOf(node: number): readonly number[] {
    if (this.#indices === null) {
      this.#indices = Array.from({ length: this.nodes }, () => []);
      for (let index = 0; index < this.setting.n; index += 1) this.#indices[this.upset(index).node].push(index);
    }
    return this.#indices[node];
  }

  /** Makes the given injections, all of one node. `exhaustive`: without pruning and without sharing forks, the slow way. */
  run(node: number, indices: readonly number[], onRecord: (record: InjectionRecord) => void, exhaustive = false): void {
    const log = this.golden.logs[node];
    const touches = exhaustive ? null : traceTouches(this.#traced, log);
    const forks = new Map<string, Evidence>();
    const departed: Ending[] = [];
    const replay = new NodeReplay(this.program, log, touches, this.#bookkeeping, (ending) => {
      if (ending.divergence === null) onRecord(this.#record(ending.upset, judgeQuiet(ending)));
      else departed.push(ending);
    });
    for (const index of indices) replay.add(this.upset(index));
    replay.run();
    for (const { upset, divergence } of departed)
      onRecord(this.#record(upset, this.#judge(upset, divergence as Divergence, exhaustive ? null : forks)));
  }

  /** What the forked cluster shows of a divergence. Traps that leave nothing behind but a restart from sound checkpoints are alike: they share a fork. */
  #judge(upset: Upset, divergence: Divergence, forks: Map<string, Evidence> | null): Judgement {
    const { node } = upset;
    const departMs = this.golden.logs[node].timeMs[divergence.call];
    const down = divergence.kind === 'trap' || divergence.kind === 'hang';
    if (forks === null || !down || divergence.stored)
      return judgeFork(this.#yard.fly(strikeOf(upset, divergence), departMs));
    const hang = divergence.kind === 'hang';
    const key = `${divergence.call}/${hang}`;
    let evidence = forks.get(key);
    if (evidence === undefined) {
      evidence = this.#yard.fly({ node, call: divergence.call, how: 'trap', site: divergence.site, hang }, departMs);
      forks.set(key, evidence);
    }
    const { site } = divergence;
    const { first, detection } = evidence;
    return judgeFork({ ...evidence, first: { ...first, site }, detection: detection && { ...detection, site } });
  }

  /** Flies the cluster with one strike, for tests and tools. */
  fork(strike: Strike): Evidence {
    return this.#yard.fly(strike, this.golden.logs[strike.node].timeMs[strike.call]);
  }

  #record({ index, model, span, node, call, place, bits }: Upset, { outcome, reason }: Judgement): InjectionRecord {
    const { image, seed, models } = this.setting;
    const timeS = Math.round(this.golden.logs[node].timeMs[call] / 1000);
    const what = {
      index,
      target: 'wasm',
      image,
      seed,
      models: models.join(','),
      model,
      ...(span === undefined ? {} : { span }),
    };
    const region = place < this.program.context ? 'static' : 'context';
    return { ...what, node, call, timeS, place, region, bits, outcome, reason };
  }
}

/** A fork begins where the struck node departs; or at the upset itself when a checkpoint was stored in between. */
function strikeOf(upset: Upset, { strikeCall: call, stored, words, values, told, stuck }: Divergence): Strike {
  if (stored) return { node: upset.node, call: upset.call, how: 'upset', upset };
  if (values.length === 0) return { node: upset.node, call, how: 'upset', upset };
  return { node: upset.node, call, how: 'words', words, values, told, stuck: stuck ? upset : null };
}
