/** Lists every field between members: from whom it is believed, and what bounds a lie in it. */

interface Group {
  message: string;
  fields: readonly string[];
  /**
   * Whose word counts. `any member`: at second hand. Every member can forge sender numbers.
   */
  believedFrom: 'nobody' | 'the sender' | 'any member' | 'the owner' | 'the authority';
  /** The evidence that is asked for, or what bounds the effect. */
  bound: string;
}

const exchange = 'Begins an exchange, every 20 s at most; 6 messages of exchanges a frame are answered';
const forGround = 'For the ground: nothing on board changes';
const signature = 'Ed25519 signature of the owner, checked before the statement counts';
const proof = 'Two valid signatures of the owner on two contents of one version';
const authority = "Signature of the cluster's authority; a key opens to the head's commitment";
const forged =
  'The owner contradicts a version that it never published by a signed statement, and all retract it. ' +
  'One that releases a unit needs the statement';

/** One row for fields that are believed and bounded alike. */
export const believedGroups: readonly Group[] = [
  {
    message: 'probe',
    fields: ['sequence'],
    believedFrom: 'the sender',
    bound: 'Echoed; 4 probes of a frame are answered',
  },
  { message: 'ack', fields: ['sequence'], believedFrom: 'the sender', bound: 'Counts for the probe in flight only' },
  {
    message: 'probe-request',
    fields: ['sequence', 'target'],
    believedFrom: 'the sender',
    bound: 'One probe; the newest request is kept',
  },
  {
    message: 'relayed-ack',
    fields: ['sequence', 'target'],
    believedFrom: 'any member',
    bound: 'A sign of life: a dead member counts as alive while it is repeated; no live member counts as dead',
  },
  {
    message: 'heartbeat',
    fields: ['timeS', 'timeMs'],
    believedFrom: 'the sender',
    bound:
      'One sample a minute and sender, which moves a clock in step by 3 ms; ' +
      'a trusted clock ignores what lies beyond its own error bound',
  },
  {
    message: 'heartbeat',
    fields: ['errorMs'],
    believedFrom: 'the sender',
    bound: 'Lowers no error bound',
  },
  {
    message: 'heartbeat',
    fields: ['ages'],
    believedFrom: 'any member',
    bound: 'The newest sign of life counts: a dead member can be kept alive, no live one called dead',
  },
  {
    message: 'heartbeat',
    fields: ['digestHigh', 'digestLow'],
    believedFrom: 'the sender',
    bound: `${exchange}. A node restarts if three senders share one in 12 rounds in which nobody has its own`,
  },
  { message: 'heartbeat', fields: ['recent'], believedFrom: 'the sender', bound: exchange },
  {
    message: 'heartbeat',
    fields: ['agree'],
    believedFrom: 'any member',
    bound: 'Merged with an equal digest only. No evidence: INT-5 among the honest rests on it',
  },
  {
    message: 'suspicion',
    fields: ['member', 'incarnation'],
    believedFrom: 'any member',
    bound: 'The member refutes it; suspicion alone declares nobody dead',
  },
  { message: 'alive', fields: ['member'], believedFrom: 'the sender', bound: 'The sender itself, or it is refused' },
  {
    message: 'alive',
    fields: ['incarnation'],
    believedFrom: 'the sender',
    bound: 'Clears suspicions; a restart is reported',
  },
  {
    message: 'join',
    fields: ['incarnation', 'generation', 'cause'],
    believedFrom: 'the sender',
    bound: 'A restart is reported; nothing else follows from it',
  },
  {
    message: 'isolation',
    fields: ['fromS', 'untilS'],
    believedFrom: 'the sender',
    bound: 'A silent member is called unreachable instead of dead, 31 days ahead at most; its leases end all the same',
  },
  {
    message: 'silent-entry',
    fields: ['member', 'lastLivenessTick'],
    believedFrom: 'any member',
    bound: 'Of silent members only, not beyond the present tick; a newer tick only prolongs the wait for its claims',
  },
  {
    message: 'silent-entry',
    fields: ['revocations'],
    believedFrom: 'any member',
    bound: "Borne out by the member's silence or return as known here; else forgotten after six rounds",
  },
  {
    message: 'key-epoch-head',
    fields: ['keyEpoch', 'startS', 'parts', 'commitment', 'signature'],
    believedFrom: 'the authority',
    bound: authority,
  },
  {
    message: 'key-epoch-part',
    fields: ['keyEpoch', 'node', 'wrapped'],
    believedFrom: 'the authority',
    bound: authority,
  },
  {
    message: 'intent',
    fields: ['owner', 'slot', 'version', 'state'],
    believedFrom: 'any member',
    bound: forged,
  },
  {
    message: 'intent',
    fields: ['kind', 'resource', 'startS', 'endS', 'rate', 'priority', 'generation', 'nonce', 'read'],
    believedFrom: 'any member',
    bound: `Within the intent slot and the quota of one owner. ${forged}`,
  },
  {
    message: 'intent',
    fields: ['claimS'],
    believedFrom: 'any member',
    bound:
      'Not after publishedS; an earlier one precedes others in the arbitration order, ' +
      `for one owner's quota. ${forged}`,
  },
  {
    message: 'intent',
    fields: ['publishedS'],
    believedFrom: 'any member',
    bound: `20 s ahead at most; before the cut, 300 s late at most and 8 more a round. ${forged}`,
  },
  {
    message: 'intent',
    fields: ['leaseS'],
    believedFrom: 'any member',
    bound: `31 days ahead at most; no agreement before it is stored. ${forged}`,
  },
  { message: 'sync-digest', fields: ['first', 'span'], believedFrom: 'the sender', bound: exchange },
  { message: 'owner-summary', fields: ['owner', 'answer'], believedFrom: 'the sender', bound: exchange },
  { message: 'owned', fields: ['slot', 'version'], believedFrom: 'the sender', bound: exchange },
  { message: 'since', fields: ['fromS'], believedFrom: 'the sender', bound: '8 versions are sent for one request' },
  {
    message: 'notice',
    fields: ['group', 'unit', 'capacity'],
    believedFrom: 'any member',
    bound: 'Surveyed resources only, up to the survey; members at work there contradict it; settled work goes on',
  },
  { message: 'notice', fields: ['observedS'], believedFrom: 'any member', bound: '2 s ahead at most' },
  {
    message: 'notice',
    fields: ['observer'],
    believedFrom: 'any member',
    bound: 'The observer contradicts what it did not publish; 10 notices an observer',
  },
  { message: 'notice-summary', fields: ['answer'], believedFrom: 'the sender', bound: exchange },
  { message: 'noticed', fields: ['group', 'unit', 'observedS'], believedFrom: 'the sender', bound: exchange },
  {
    message: 'statement',
    fields: ['owner', 'slot', 'version', 'atS', 'digest', 'signature'],
    believedFrom: 'the owner',
    bound: signature,
  },
  {
    message: 'proof',
    fields: ['owner', 'slot', 'version', 'atA', 'digestA', 'signatureA', 'atB', 'digestB', 'signatureB'],
    believedFrom: 'the owner',
    bound: proof,
  },
  {
    message: 'statement-request',
    fields: ['owner', 'slot'],
    believedFrom: 'the sender',
    bound: 'One statement a minute, by its owner',
  },
  { message: 'alarm', fields: ['class', 'onsetS', 'elapsedS'], believedFrom: 'nobody', bound: forGround },
  { message: 'beacon', fields: ['cause', 'resets', 'timeS'], believedFrom: 'nobody', bound: forGround },
];

/** The group that a field belongs to. Throws when the table has no row for it. */
export function believedGroup(message: string, field: string): Group {
  const group = believedGroups.find((row) => row.message === message && row.fields.includes(field));
  if (group === undefined) throw new Error(`${message}.${field}: the table of believed fields has no row for it`);
  return group;
}

/** The table of docs/insiders.md. */
export function believedTable(): string {
  const rows = believedGroups.map(
    ({ message, fields, believedFrom, bound }) =>
      `| \`${message}\` | ${fields.map((field) => `\`${field}\``).join(', ')} | ${believedFrom} | ${bound} |`,
  );
  return ['| message | fields | believed from | evidence or bound |', '|---|---|---|---|', ...rows].join('\n');
}
