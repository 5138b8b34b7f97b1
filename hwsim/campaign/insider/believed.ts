/** Lists every field between members: from whom it is believed, and what bounds a lie in it. */
import { DISAGREED_ROUNDS } from '../../../host/cbor/generated.ts';

/** Fields of one message that are believed and bounded alike. */
interface BelievedRow {
  message: string;
  fields: readonly string[];
  /** Whose word counts. `any member`: at second hand. Every member can forge sender numbers. */
  believedFrom: 'nobody' | 'the sender' | 'any member' | 'the owner' | 'the authority';
  /** The evidence that is asked for, or what bounds the effect. */
  bound: string;
}

/** A row; `fields` are separated by spaces. */
const row = (
  message: string,
  fields: string,
  believedFrom: BelievedRow['believedFrom'],
  bound: string,
): BelievedRow => {
  return { message, fields: fields.split(' '), believedFrom, bound };
};

const exchange = 'Begins an exchange, every 20 s at most; 6 messages of exchanges a frame are answered';
const digests =
  'Versions of four owners are sent while the outbox is less than half full; ' +
  '6 messages of exchanges a frame are answered';
const forGround = 'For the ground: nothing on board changes';
const signature = 'Ed25519 signature of the owner, checked before the statement counts';
const reported =
  'Ed25519 signature of a member of that cluster, checked before it counts; nothing in the cluster is decided by it';
const proof = 'Two valid signatures of the owner on two contents of one version';
const authority = "Signature of the cluster's authority; a key opens to the head's commitment";
const forged =
  'The owner contradicts a version that it never published by a signed statement, and all retract it. ' +
  'One that releases a unit needs the statement';

export const believedRows: readonly BelievedRow[] = [
  row('probe', 'sequence', 'the sender', 'Echoed; 4 probes of a frame are answered'),
  row('ack', 'sequence', 'the sender', 'Counts for the probe in flight only'),
  row('probe-request', 'sequence target', 'the sender', 'One probe; the newest request is kept'),
  row(
    'relayed-ack',
    'sequence target',
    'any member',
    'A sign of life: a dead member counts as alive while it is repeated; no live member counts as dead',
  ),
  row(
    'heartbeat',
    'timeS timeMs',
    'the sender',
    'One sample a minute and sender, which moves a clock in step by 3 ms; ' +
      'a trusted clock ignores what lies beyond its own error bound',
  ),
  row('heartbeat', 'errorMs', 'the sender', 'Lowers no error bound'),
  row(
    'heartbeat',
    'ages',
    'any member',
    'The newest sign of life counts: a dead member can be kept alive, no live one called dead',
  ),
  row(
    'heartbeat',
    'digestHigh digestLow',
    'the sender',
    `${exchange}. A node restarts if three senders share one in ${DISAGREED_ROUNDS} rounds in which nobody has its own`,
  ),
  row('heartbeat', 'recent', 'the sender', exchange),
  row(
    'heartbeat',
    'agree',
    'any member',
    'Merged with an equal digest only. No evidence: INT-5 among the honest rests on it',
  ),
  row('suspicion', 'member incarnation', 'any member', 'The member refutes it; suspicion alone declares nobody dead'),
  row('alive', 'member', 'the sender', 'The sender itself, or it is refused'),
  row('alive', 'incarnation', 'the sender', 'Clears suspicions; a restart is reported'),
  row('join', 'incarnation generation cause', 'the sender', 'A restart is reported; nothing else follows from it'),
  row('alive', 'upS', 'the sender', 'Dates its restart on board, by 15 minutes at most'),
  row('join', 'upS', 'the sender', 'Dates its restart on board, by 15 minutes at most'),
  row(
    'isolation',
    'fromS untilS',
    'the sender',
    'A silent member is called unreachable instead of dead, 31 days ahead at most; its leases end all the same',
  ),
  row(
    'silent-entry',
    'member lastLivenessTick',
    'any member',
    'Of silent members only, not beyond the present tick; a newer tick only prolongs the wait for its claims',
  ),
  row(
    'silent-entry',
    'revocations',
    'any member',
    "Borne out by the member's silence or return as known here; else forgotten after an hour",
  ),
  row('key-epoch-head', 'keyEpoch startS parts commitment signature', 'the authority', authority),
  row('key-epoch-part', 'keyEpoch node wrapped', 'the authority', authority),
  row('intent', 'owner slot version state', 'any member', forged),
  row(
    'intent',
    'kind resource startS endS rate priority generation nonce read',
    'any member',
    `Within the intent slot and the quota of one owner. ${forged}`,
  ),
  row(
    'intent',
    'claimS',
    'any member',
    'Not after publishedS; an earlier one precedes others in the arbitration order, ' +
      `for one owner's quota. ${forged}`,
  ),
  row(
    'intent',
    'publishedS',
    'any member',
    `20 s ahead at most; before the cut, until half of the round has passed and 8 more a round. ${forged}`,
  ),
  row('intent', 'leaseS', 'any member', `31 days ahead at most; no agreement before it is stored. ${forged}`),
  row('sync-digest', 'salt parts', 'the sender', digests),
  row('owner-summary', 'owner answer', 'the sender', exchange),
  row('owned', 'slot version', 'the sender', exchange),
  row('since', 'fromS', 'the sender', '8 versions are sent for one request'),
  row(
    'notice',
    'group unit capacity',
    'any member',
    'Surveyed resources only, up to the survey; members at work there contradict it; settled work goes on, ' +
      'or has its platform look',
  ),
  row('notice', 'observedS', 'any member', '2 s ahead at most'),
  row('notice', 'observer', 'any member', 'The observer contradicts what it did not publish; 10 notices an observer'),
  row('notice-summary', 'answer', 'the sender', exchange),
  row('noticed', 'group unit observedS', 'the sender', exchange),
  row('statement', 'owner slot version atS digest signature', 'the owner', signature),
  row('proof', 'owner slot version atA digestA signatureA atB digestB signatureB', 'the owner', proof),
  row('statement-request', 'owner slot', 'the sender', 'One statement a minute, by its owner'),
  row(
    'cluster-summary',
    'cluster region coordinator sequence asOfS counts generations lineages economy tugs worstMinutes ' +
      'breaches digest directive rollout signature',
    'any member',
    reported,
  ),
  row('cluster-summary', 'round', 'any member', `The next round at most. ${reported}`),
  row('versioned', 'version members', 'any member', reported),
  row(
    'member-profile',
    'lineage version stocks demands energy',
    'the sender',
    'Summed in the summary of the cluster, for three hours; nothing in the cluster is decided by it',
  ),
  row(
    'decision',
    'number promised accepted kind contentHigh contentLow size',
    'any member',
    'Numbers and ballots of the present try at most, kinds that are built; records change in four minutes of ' +
      'twenty, so leases are renewed between. Of grow nothing on board follows',
  ),
  row(
    'split',
    'number promised accepted size switchS groups divided members',
    'any member',
    'As in decision, and accepted by a member that finds the cut whole; decided by a majority of each half',
  ),
  row(
    'split',
    'decided',
    'any member',
    'Three members must say so of one split, and no quorum be seen for 30 minutes: the member moves to its half, ' +
      'with the latest ballot that one of them named',
  ),
  row('alarm', 'class onsetS elapsedS', 'nobody', forGround),
  row('beacon', 'cause resets timeS', 'nobody', forGround),
];

/** The row of a field. Throws when the table has none. */
export function believedRow(message: string, field: string): BelievedRow {
  const found = believedRows.find((each) => each.message === message && each.fields.includes(field));
  if (found === undefined) throw new Error(`${message}.${field}: the table of believed fields has no row for it`);
  return found;
}

/** The table of docs/insiders.md. */
export function believedTable(): string {
  const rows = believedRows.map(
    ({ message, fields, believedFrom, bound }) =>
      `| \`${message}\` | ${fields.map((field) => `\`${field}\``).join(', ')} | ${believedFrom} | ${bound} |`,
  );
  return ['| message | fields | believed from | evidence or bound |', '|---|---|---|---|', ...rows].join('\n');
}
