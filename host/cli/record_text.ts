import { shapeOfType } from '../cbor/message.ts';
import { valueName } from '../cbor/names.ts';

type Fields = Readonly<Record<string, number>>;

/**
 * Names the fields of a flat record: its type comes first, then the fields in the schema's order.
 * An unknown type is named by its number.
 */
export function nameRecord(record: Uint32Array, length: number): { name: string; fields: Record<string, number> } {
  const shape = shapeOfType(record[0]);
  const fields: Record<string, number> = {};
  for (let at = 1; at < length; at++) fields[shape?.fields[at - 1]?.name ?? `field${at}`] = record[at];
  return { name: shape?.name ?? `type-${record[0]}`, fields };
}

/** Formats a resource: unit 3 of group 1. Unit 0 is the capacity that a group's units share. */
function resourceText(resource: number): string {
  const [group, unit] = [resource >>> 16, resource & 0xffff];
  return unit === 0 ? `group ${group}` : `unit ${unit} of group ${group}`;
}

/** Why a node is mute, by the cause's name. */
const muteTexts: Readonly<Record<string, string>> = {
  'no-key': 'it has no key',
  'no-time': 'it learnt the time from no member',
  'counters-used': 'its counters may have been used before it restarted',
  'no-reservation': 'no counters are reserved',
};

/** Texts of events and commands. `name` gives the name of a field's number. */
const texts: Readonly<Record<string, (f: Fields, name: (field: string) => string) => string>> = {
  'start-work': (f, name) =>
    `start ${name('kind')} on ${resourceText(f.resource)}, ${f.rate} kg/day until ${f.untilS} s (intent ${f.slot})`,
  'stop-work': (f) => `stop the work of intent ${f.slot}`,
  'feed-watchdog': (f) => `feed the watchdog, sequence ${f.sequence}`,
  'restart-task': (f) => `restart task ${f.task}`,
  'restart-runtime': (_, name) => `restart the runtime, cause ${name('cause')}`,
  'reset-processor': (f, name) => `reset the processor, cause ${name('cause')}, reset ${f.count} in a row`,
  'alternate-image': (_, name) => `boot the alternate image, cause ${name('cause')}`,
  'safe-mode': (_, name) => `safe mode, cause ${name('cause')}`,
  'store-checkpoint': (f) => `store a checkpoint, sequence ${f.sequence}`,
  'move-context': (f) => `move the context to another place: a cell of line ${f.line} seems to be stuck`,
  'request-assay': (f) => `look at ${resourceText((f.group << 16) | f.unit)}`,
  'reserve-counters': (f) => `reserve frame counters up to cycle ${f.cycle}`,
  'check-key-epoch': (f) => `check the signature of key epoch ${f.keyEpoch}`,
  sign: (f) => `sign the statement of ticket ${f.ticket}`,
  verify: (f) => `verify the statement of ticket ${f.ticket}`,
  'sign-summary': (f) => `sign the own summary, sequence ${f.sequence}`,
  'send-abroad': (f) => `send the own summary to other clusters, sequence ${f.sequence}`,
  'verify-foreign': (f) => `verify the foreign summary in place ${f.place}`,
  'summary-taken': (f) =>
    `took the summary of cluster ${f.cluster} by member ${f.coordinator}, round ${f.round}, sequence ${f.sequence}`,
  decided: (f, name) =>
    `saw decision ${f.number} made in ballot ${f.ballot}: ${name('kind')}, content ${f.contentHigh} ${f.contentLow}`,
  moved: (f) => `is in cluster ${f.cluster} from now on, of cluster ${f.home} before it was split`,
  booted: (f, name) => {
    const origin = f.restored === 1 ? 'from a checkpoint' : 'without a checkpoint';
    return `booted after ${name('cause')} ${origin}, incarnation ${f.incarnation}`;
  },
  'member-state': (f, name) => `member ${f.member} ${name('state')}, last liveness tick ${f.lastLivenessTick}`,
  stored: (f, name) =>
    f.state === 0
      ? `evicted intent ${f.slot} of member ${f.owner}, version ${f.version}`
      : `stored intent ${f.slot} of member ${f.owner}, version ${f.version}, ${name('state')} at ${f.publishedS} s`,
  published: (f, name) => {
    const work = f.resource === 0 ? name('kind') : `${name('kind')} ${resourceText(f.resource)}, ${f.rate} kg/day`;
    const order = `priority ${f.priority}, claimed at ${f.claimS} s, nonce ${f.nonce}, lease until ${f.leaseS} s`;
    const version = `intent ${f.slot}, version ${f.version}, ${name('state')}`;
    return `published ${version}: ${work}, ${f.startS} to ${f.endS} s; ${order}`;
  },
  settled: (f) => `settled intent ${f.slot}, version ${f.version}: ${f.rate} kg/day, ${f.startS} to ${f.endS} s`,
  lost: (f) => `lost intent ${f.slot}, version ${f.version}, to intent ${f.toSlot} of member ${f.toOwner}`,
  onset: (f, name) => `${name('class')} disruption began at ${f.onsetS} s, subject ${f.subject}`,
  converged: (f, name) => `${name('class')} disruption of ${f.onsetS} s converged at ${f.convergedS} s`,
  alarmed: (f, name) => `alarm: ${name('class')} disruption of ${f.onsetS} s has lasted ${f.elapsedS} s`,
  dropped: (f, name) => `loss counter ${name('counter')} is ${f.count}, first at local second ${f.firstS}`,
  escalation: (f, name) => `recovery by ${name('level')}, cause ${name('cause')}, task ${f.task}`,
  'time-acquired': (f) => `mission time acquired: ${f.timeS} s, error at most ${f.errorMs} ms`,
  'noticed-resource': (f) =>
    `notice of ${resourceText(f.group * 0x10000 + f.unit)}: capacity ${f.capacity}, observed at ${f.observedS} s`,
  maintained: (f) => `maintenance of intent ${f.slot} done, begun at ${f.startS} s`,
  impossible: (f) => `maintenance of intent ${f.slot} is impossible by ${f.endS} s`,
  upset: (f, name) => `${f.count} upsets ${name('outcome')} in line ${f.line}, at most ${f.ageS} s old`,
  'repeated-upset': (f) => `line ${f.line} was corrected ${f.count} times within a day: a cell may be stuck`,
  'key-epoch-changed': (f, name) => `key epoch ${f.keyEpoch} is ${name('step')}`,
  mute: (f, name) => {
    if (f.cause === 0) return 'sends again';
    return `mute: ${muteTexts[name('cause')] ?? name('cause')}${f.untilS > 0 ? `, until ${f.untilS} s` : ''}`;
  },
  'start-work-held-back': (f) => `held back, ${f.lateMs} ms too late: ${recordText('start-work', f)}`,
  equivocated: (f) =>
    `member ${f.owner} equivocated on intent ${f.slot}, version ${f.version}${f.proven === 1 ? ', proven' : ''}`,
};

/**
 * Formats an event or command with names instead of numbers: `member 6 alive, last liveness tick
 * 40`.
 */
export function recordText(record: string, fields: Fields): string {
  const name = (field: string) => valueName(record, field, fields[field]) ?? String(fields[field]);
  const text = texts[record];
  if (text !== undefined) return text(fields, name);
  const figures = Object.keys(fields).map((field) => `${field} ${name(field)}`);
  return [record, ...figures].join(' ');
}
