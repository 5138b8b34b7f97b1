/** Judges an injection by its evidence. docs/injection.md states each rule in words. */
import { isProtectionSite, type Judgement, type OutcomeName } from '../outcomes.ts';
import type { Evidence } from './evidence.ts';
import type { Ending } from './replay.ts';
import { recoveryHours } from './scenario.ts';

/** Calls are dated by the last entry of the trace before them. */
const clockSlackMs = 60_000;
const recoveryMs = recoveryHours * 3_600_000;
const minutes = (ms: number) => `${(ms / 60_000).toFixed(1)} min`;
const clock = (ms: number) => `${(ms / 3_600_000).toFixed(2)} h`;
const atSite = (site: number) => (site > 0 ? ` at site ${site}` : '');

/** Judges an injection whose node gave every golden output up to the end of the run. */
export function judgeQuiet({ clean, upsets }: Ending): Judgement {
  const { corrected, discarded } = upsets;
  if (discarded > 0)
    return {
      outcome: 'detected-and-recovered',
      reason: `${discarded} records discarded and restored; all outputs right`,
    };
  if (corrected > 0)
    return { outcome: 'corrected', reason: `corrected in place, ${corrected} reported; all outputs right` };
  if (clean) return { outcome: 'masked', reason: 'all outputs right, and the state is the golden one again' };
  return { outcome: 'masked-latent', reason: 'all outputs right up to the end; the state still differs' };
}

/** Judges an injection in the forked cluster: the worst outcome that applies. */
export function judgeFork(evidence: Evidence): Judgement {
  const { propagated, wrongCommands, detection, first } = evidence;
  const output = `first ${first.kind}${atSite(first.site)} in ${first.op} at ${clock(first.timeMs)}`;
  const seen = first.op === '' ? 'no output differs' : output;
  const judge = (outcome: OutcomeName, what: string): Judgement => ({ outcome, reason: `${seen}; ${what}` });
  if (propagated.count > 0) return judge('SDC-propagated', `accepted elsewhere: ${propagated.example}`);
  // A wrong command was obeyed: a later detection does not undo that.
  if (wrongCommands.count > 0) return judge('SDC-local', `wrong command: ${wrongCommands.example}`);
  const { outcome, reason } = detection === null ? judgeUndetected(evidence) : judgeDetected(evidence);
  return judge(outcome, reason);
}

function judgeUndetected({ wrongOthers, refused, silentMs, mistimed }: Evidence): Judgement {
  if (wrongOthers.count > 0) return { outcome: 'SDC-local', reason: `never detected: ${wrongOthers.example}` };
  if (refused > 0) return { outcome: 'SDC-local', reason: `never detected: ${refused} right frames refused` };
  if (silentMs > recoveryMs)
    return { outcome: 'fail-silent', reason: `sends nothing in the last ${minutes(silentMs)}` };
  // Only a stored checkpoint held the upset, and the restart from it corrected that.
  if (mistimed.count === 0) return { outcome: 'masked-latent', reason: 'all outputs right after a restart' };
  return {
    outcome: 'late',
    reason: `all contents right, some at another time or not at all: ${mistimed.example}`,
  };
}

function judgeDetected(evidence: Evidence): Judgement {
  const { wrongOthers, refused, corrected, bootedMs } = evidence;
  const detection = evidence.detection!;
  const { by, site, timeMs } = detection;
  const found = `found by ${by}${atSite(site)} at ${clock(timeMs)}`;
  const { inTime, text } = recovery(evidence);
  if (by === 'upset' && wrongOthers.lastMs > timeMs + clockSlackMs)
    return { outcome: 'SDC-local', reason: `${found}, and yet later: ${wrongOthers.example}` };
  if (by === 'upset')
    return { outcome: 'corrected', reason: `${corrected} reported; ${refused} right frames refused before` };
  const reason = `${found}; ${text}`;
  if (by === 'hang' || by === 'watchdog') return { outcome: 'hang', reason };
  if (by === 'trap' && !isProtectionSite(site)) return { outcome: 'crash', reason };
  if (bootedMs === null && by !== 'discarded') return { outcome: 'fail-silent', reason };
  return { outcome: inTime ? 'detected-and-recovered' : 'late', reason };
}

/**
 * Whether the node was back and all agreed again within the deadline after the detection; silence
 * in a storm does not count.
 */
function recovery(evidence: Evidence): { inTime: boolean; text: string } {
  const { agreedMs, bootedMs, diesBooting, excusedMs } = evidence;
  const { by, timeMs } = evidence.detection!;
  if (diesBooting) return { inTime: false, text: 'could not boot' };
  if (bootedMs === null && by !== 'discarded') return { inTime: false, text: 'silent from then on' };
  if (agreedMs === null) return { inTime: false, text: 'not agreed with the others by the end' };
  const tookMs = agreedMs - timeMs;
  return { inTime: tookMs <= recoveryMs + excusedMs, text: `agreed again after ${minutes(tookMs)}` };
}
