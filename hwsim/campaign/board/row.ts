import { portInputs, recordNodes } from '../../emulator/recording.ts';
import type { LinkCipher } from '../../../host/security/frame.ts';
import type { Preset } from '../../../host/build/root.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import type { LocalTime, PortInput } from '../../emulator/port.ts';
import { timeOf, type Window } from './draw.ts';

/** What a struck board is given: a node of a real cluster's run, and the same hours of three of its peers. */
export interface Row {
  inputs: PortInput[];
  /** Strikes fall into these inputs; the others lead up to them, or follow so that what became of a strike is seen. */
  window: Window;
  node: number;
  /** Inputs of peers, from their power-on. */
  peers: PortInput[][];
  /** Opens the frames of the run. */
  link: LinkCipher;
  /** For people. */
  told: string;
}

const nodes = 20;
const node = 7;
const peerNodes = [2, 11, 16];
const days = 0.05;
const seed = 1;
/** Cluster joined, first plans made, claims published: what comes before is the launch. */
const warmUpInputs = 150;
const inputsAll = 560;
/** After a strike at least this much of the run follows, ms: a fast scrub cycle and a restart. */
const tailMs = 900_000;

/**
 * A quiet cluster that is told, soon after its launch, of a solar particle event half a day ahead: from then on every node scrubs at the rate of a storm, a whole pass in 9 minutes,
 * and its radio works all the same.
 */
function warnedScenario(): Scenario {
  const event = '2026-01-18T22:55Z';
  const storm = { kind: 'storm', when: { atDay: 0.002 }, event, silenceHours: 1, riseHours: 12, resetShare: 0 };
  return scenarioSchema.parse({
    ...shippedScenario('quiet'),
    name: 'warned',
    title: 'A storm is announced',
    disruptions: [storm],
  });
}

/** The recorded row: always the same one. */
export function recordRow(preset: Preset): Row {
  const recordings = recordNodes({ scenario: warnedScenario(), preset, nodes, days, seed }, [node, ...peerNodes]);
  const [own, ...peersOwn] = recordings.map((recording) => portInputs(recording));
  const plain = own.slice(0, inputsAll);
  const { nowS, nowMs } = plain[warmUpInputs - 1] as PortInput & LocalTime;
  // So that there is a checkpoint to come back to: the firmware orders one an hour, its first a while after the launch.
  const inputs = plain.toSpliced(warmUpInputs, 0, { kind: 'store', nowS, nowMs });
  const endMs = timeOf(inputs.at(-1)!);
  const to = inputs.findIndex((input) => timeOf(input) > endMs - tailMs);
  const peers = peersOwn.map((inputs) => inputs.filter((input) => timeOf(input) <= endMs));
  const minutes = (ms: number) => Math.round(ms / 60_000);
  const told = `node ${node} of ${nodes} in scenario quiet with a storm announced (seed ${seed}): ${inputs.length} inputs in ${minutes(endMs)} minutes`;
  return { inputs, window: { from: warmUpInputs + 1, to }, node, peers, link: simulatedLink(seed, nodes), told };
}
