import type { Preset } from '../../../host/build/root.ts';
import type { LinkCipher } from '../../../host/security/frame.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';
import type { LocalTime, PortInput } from '../../board/port.ts';
import { portInputs, recordNodes } from '../../emulator/recording.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import type { Window } from './draw.ts';
import { timeOf } from './port_items.ts';

/**
 * The inputs of a board under injection: those of one node of a cluster's run, and those of three
 * of its peers.
 */
export interface RecordedRun {
  inputs: PortInput[];
  /**
   * Faults are injected into these inputs. The inputs before lead up to them; those after show what
   * becomes of a fault.
   */
  window: Window;
  node: number;
  /** Inputs of peers, from their power-on. */
  peers: PortInput[][];
  /** Opens the frames of the run. */
  link: LinkCipher;
  /** A line for people. */
  note: string;
}

const nodes = 20;
const node = 7;
const peerNodes = [2, 11, 16];
const days = 0.05;
const seed = 1;
/** The launch: up to here the cluster joins, makes first plans and publishes claims. */
const warmUpInputs = 150;
const inputsMax = 560;
/** At least this much of the run follows an injection, ms: a fast scrub cycle and a restart. */
const tailMs = 900_000;

/**
 * Builds a quiet cluster that is warned, soon after its launch, of a solar particle event half a
 * day ahead. From then on every node scrubs at the rate of a storm, a whole pass in 9 minutes,
 * while its radio still works.
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

/** Records the run; it is the same every time. */
export function recordRun(preset: Preset): RecordedRun {
  const recordings = recordNodes({ scenario: warnedScenario(), preset, nodes, days, seed }, [node, ...peerNodes]);
  const [ownInputs, ...peerInputs] = recordings.map((recording) => portInputs(recording));
  const recorded = ownInputs.slice(0, inputsMax);
  const { nowS, nowMs } = recorded[warmUpInputs - 1] as PortInput & LocalTime;
  // Stores a checkpoint to come back to: the firmware orders one an hour, the first a while after
  // launch.
  const inputs = recorded.toSpliced(warmUpInputs, 0, { kind: 'store', nowS, nowMs });
  const endMs = timeOf(inputs.at(-1)!);
  const to = inputs.findIndex((input) => timeOf(input) > endMs - tailMs);
  const peers = peerInputs.map((ofPeer) => ofPeer.filter((input) => timeOf(input) <= endMs));
  const minutes = Math.round(endMs / 60_000);
  const scenario = `scenario quiet with a storm announced (seed ${seed})`;
  const note = `node ${node} of ${nodes} in ${scenario}: ${inputs.length} inputs in ${minutes} minutes`;
  return { inputs, window: { from: warmUpInputs + 1, to }, node, peers, link: simulatedLink(seed, nodes), note };
}
