import { isProtectionSite, type OutcomeName } from '../outcomes.ts';
import type { Evidence } from './evidence.ts';
import type { Ending } from './replay.ts';
import { recoveryHours } from './scene.ts';

export interface Judgement {
  outcome: OutcomeName;
  reason: string;
}

/** Calls are dated by the last entry of the trace before them. */
const clockSlackMs = 60_000;
const minutes = (ms: number) => `${(ms / 60_000).toFixed(1)} min`;
const clock = (ms: number) => `${(ms / 3_600_000).toFixed(2)} h`;

/** An injection whose node gave every golden output up to the end of the run. */
export function judgeQuiet({ clean, told }: Ending): Judgement {
  if (told.dropped > 0)
    return {
      outcome: 'detected-and-recovered',
      reason: `let go, ${told.dropped} told, and made anew; all outputs right`,
    };
  if (told.corrected > 0)
    return { outcome: 'corrected', reason: `corrected in place, ${told.corrected} told; all outputs right` };
  if (clean) return { outcome: 'masked', reason: 'all outputs right, and the state is the golden one again' };
  return { outcome: 'masked-latent', reason: 'all outputs right up to the end; the state still differs' };
}

/** An injection that was judged in the forked cluster. The worst that applies is its outcome; docs/injection.md says each rule in words. */
export function judgeFork(evidence: Evidence): Judgement {
  const { propagated, wrongCommands, wrongOthers, mistimed, refused, detection, first } = evidence;
  const seen = `first ${first.kind}${first.site > 0 ? ` at site ${first.site}` : ''} in ${first.op} at ${clock(first.timeMs)}`;
  const say = (outcome: OutcomeName, what: string): Judgement => ({ outcome, reason: `${seen}; ${what}` });
  if (propagated.count > 0) return say('SDC-propagated', `accepted elsewhere: ${propagated.example}`);
  // A wrong command was obeyed: that its author was found out later does not take it back.
  if (wrongCommands.count > 0) return say('SDC-local', `wrong command: ${wrongCommands.example}`);
  if (detection === null) {
    if (wrongOthers.count > 0) return say('SDC-local', `never detected: ${wrongOthers.example}`);
    if (refused > 0) return say('SDC-local', `never detected: ${refused} right frames refused`);
    if (evidence.silentMs > recoveryHours * 3_600_000)
      return say('fail-silent', `says nothing in the last ${minutes(evidence.silentMs)}`);
    return say('late', `all contents right, some at another time or not at all: ${mistimed.example}`);
  }
  const found = `found by ${detection.by}${detection.site > 0 ? ` at site ${detection.site}` : ''} at ${clock(detection.timeMs)}`;
  const back = recovery(evidence);
  if (detection.by === 'upset' && wrongOthers.lastMs > detection.timeMs + clockSlackMs)
    return say('SDC-local', `${found}, and yet later: ${wrongOthers.example}`);
  if (detection.by === 'upset')
    return say('corrected', `${evidence.corrected} told; ${refused} right frames refused before`);
  if (detection.by === 'hang' || detection.by === 'watchdog') return say('hang', `${found}; ${back.text}`);
  if (detection.by === 'trap' && !isProtectionSite(detection.site)) return say('crash', `${found}; ${back.text}`);
  if (evidence.bootedMs === null && detection.by !== 'dropped') return say('fail-silent', `${found}; ${back.text}`);
  return say(back.inTime ? 'detected-and-recovered' : 'late', `${found}; ${back.text}`);
}

/** Whether the node was back, and all agreed again, within the deadline from the detection on; silence in a storm does not count. */
export function recovery(evidence: Evidence): { inTime: boolean; text: string } {
  const { detection, agreedMs, bootedMs, diesBooting, excusedMs } = evidence;
  if (detection === null) return { inTime: true, text: 'nothing to recover from' };
  if (diesBooting) return { inTime: false, text: 'could not boot' };
  if (bootedMs === null && detection.by !== 'dropped') return { inTime: false, text: 'silent from then on' };
  if (agreedMs === null) return { inTime: false, text: 'not agreed with the others by the end' };
  const took = agreedMs - detection.timeMs;
  return { inTime: took <= recoveryHours * 3_600_000 + excusedMs, text: `agreed again after ${minutes(took)}` };
}
