/**
 * Names mutants of the lease proof (INT-5): each removes or weakens one assumption of the proofs in
 * firmware/membership/README.md and firmware/intent/README.md. They are the module `lease`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from '../../host/build/root.ts';
import type { Mutant } from './operators.ts';

/** One changed expression, which stands once in its source; null: the statement is left out. */
type NamedChange = readonly [name: string, original: string, mutated: string | null];

const changes: Record<string, readonly NamedChange[]> = {
  'firmware/membership/lease.ts': [
    [
      'the owner keeps no guard',
      'heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000',
      'heardS + LEASE_S - clockErrorMs(ctx) / 1000',
    ],
    [
      'a granted lease ignores the clock error',
      'heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000',
      'heardS + LEASE_S - LEASE_GUARD_S',
    ],
    [
      'a lease is granted 300 s too long',
      'heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000',
      'heardS + 300 + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000',
    ],
    [
      'a lease is granted from the begin of the round',
      'startS > HEARD_BEFORE_CUT_S ? startS - HEARD_BEFORE_CUT_S : 0',
      'startS',
    ],
    [
      'others keep no guard',
      '(leaseS > ordinary ? leaseS : ordinary) + LEASE_GUARD_S',
      'leaseS > ordinary ? leaseS : ordinary',
    ],
    [
      'others count from the tick before',
      'member(ctx, index).lastLivenessTick + 1',
      'member(ctx, index).lastLivenessTick',
    ],
    ['others ignore a lease extended in advance', 'leaseS > ordinary ? leaseS : ordinary', 'ordinary'],
  ],
  'firmware/membership/quorum.ts': [
    [
      'half is a majority',
      'agreeing * 2 > bitCount(baseAt(ctx), MEMBER_WORDS)',
      'agreeing * 2 >= bitCount(baseAt(ctx), MEMBER_WORDS)',
    ],
    [
      'a restarted node votes at once',
      'membership(ctx).recovering != 0 || membership(ctx).unstoredPeriods != 0',
      'membership(ctx).unstoredPeriods != 0',
    ],
    [
      'an extended lease is agreed to before it is stored',
      'membership(ctx).unstoredPeriods = STORE_PERIODS',
      'membership(ctx).unstoredPeriods = 0',
    ],
    ['agreement outlives its digest', 'memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);', null],
  ],
  'firmware/membership/heartbeat.ts': [
    [
      'agreement to another digest counts',
      'm.digestHigh == <u32>(state.digest >> 32) && m.digestLow == <u32>state.digest',
      'true',
    ],
  ],
  'firmware/membership/round.ts': [
    [
      'a restarted node votes after a round',
      'all ? RECOVERY_ALL_S : RECOVERY_S',
      'all ? RECOVERY_ALL_S : 2 * LEASE_GUARD_S',
    ],
    ['agreement in one round before counts as in two', 'agreed & load<u32>(agreedBeforeAt(ctx) + offset)', 'agreed'],
    [
      'a member is last heard two ticks too early',
      'state.livenessTick - (TICKS_UNTIL_SILENT - 1)',
      'state.livenessTick - (TICKS_UNTIL_SILENT + 1)',
    ],
  ],
  'firmware/membership/hearing.ts': [
    [
      'of two freshnesses the lesser stays',
      '(g2 & ~f2) | (~(g2 ^ f2) & ((g1 & ~f1) | (~(g1 ^ f1) & g0 & ~f0)))',
      '(f2 & ~g2) | (~(g2 ^ f2) & ((f1 & ~g1) | (~(g1 ^ f1) & f0 & ~g0)))',
    ],
  ],
  'firmware/membership/view.ts': [
    [
      'the earlier last tick stays',
      'livenessTick <= member(ctx, index).lastLivenessTick',
      'livenessTick >= member(ctx, index).lastLivenessTick',
    ],
    [
      'revocations are outside the digest',
      'revocations == 0 ? 0 : mix64(((<u64>1) << 63) | ((<u64>index) << 32) | <u64>revocations)',
      '<u64>0',
    ],
    [
      'silence is outside the digest',
      'mix64(((<u64>index + 1) << 32) | <u64>member(ctx, index).lastLivenessTick)',
      '<u64>0',
    ],
    ['the last tick is outside the digest', '<u64>member(ctx, index).lastLivenessTick', '<u64>0'],
  ],
  'firmware/membership/revocation.ts': [
    ['a changed vote leaves the base at once', 'bitSet(baseAt(ctx), index)', 'bitClear(baseAt(ctx), index)'],
    ['a changed vote counts at once', 'bitClear(votersAt(ctx), index);', null],
  ],
  'firmware/intent/merge.ts': [
    [
      'an extension is short by a clock that is not trusted',
      '!clockTrusted(ctx) || leaseS > missionS(ctx) + SHORT_LEASE_S_MAX',
      'leaseS > missionS(ctx) + SHORT_LEASE_S_MAX',
    ],
  ],
  'firmware/intent/own/settling.ts': [
    [
      'a claim published at the cut settles',
      'record.publishedS >= roundCutS(view.round)',
      'record.publishedS > roundCutS(view.round)',
    ],
    ['a claim settles before its cut', 'record.publishedS >= roundCutS(view.round)', 'false'],
    ['a claim of an earlier boot settles', 'record.version >>> VERSION_BITS != node(ctx).incarnation', 'false'],
    ['a claim settles behind a refused one', 'if (isBefore) return false;', null],
    ['a claim settles beside a started one', '<u32>other.state == INTENT_STATE_STARTED', 'false'],
    [
      'a claim settles after one round',
      '!wasInCuts || !bitGet(agreeAt(ctx), other.owner) || !bitGet(agreedTwiceAt(ctx), other.owner)',
      '!bitGet(agreeAt(ctx), other.owner)',
    ],
    [
      'a claim settles without its competitor',
      '!wasInCuts || !bitGet(agreeAt(ctx), other.owner) || !bitGet(agreedTwiceAt(ctx), other.owner)',
      'false',
    ],
    ['a claim settles without a quorum', 'membership(ctx).quorum == 0 || !majorityAgrees(ctx)', 'false'],
  ],
  'firmware/intent/own/lease.ts': [
    ['an owner stops a minute late', 'lease < end ? lease : end', '(lease < end ? lease : end) + 60'],
    ['an extended lease ignores the clock error', 'LEASE_GUARD_S + clockErrorMs(ctx) / 1000', 'LEASE_GUARD_S'],
    ['an extended lease keeps no guard', 'LEASE_GUARD_S + clockErrorMs(ctx) / 1000', 'clockErrorMs(ctx) / 1000'],
  ],
  'firmware/intent/own/renewal.ts': [
    [
      'a lease that ended is renewed though the unit is claimed',
      'now < before ? before : 0',
      'now < before ? before : mine.settledEndS',
    ],
    [
      'a lease that ended is renewed though the unit is worked',
      'promised <= max<u32>(mine.settledStartS, now)',
      'false',
    ],
    ['an owner that comes back keeps what is promised', 'promised < mine.settledEndS', 'false'],
  ],
  'firmware/intent/digest.ts': [
    ['the digest lacks the minute before the cut', 'cutS / BUCKET_S', 'cutS / BUCKET_S - 1'],
  ],
  'firmware/intent/store.ts': [['claims of silent owners are evicted at once', 'boundS > now', 'false']],
};

/** Gives the mutant of a named change. Throws if its original does not stand once in the source. */
function mutantOf(path: string, text: string, [name, original, mutated]: NamedChange): Mutant {
  const start = text.indexOf(original);
  if (start < 0 || text.indexOf(original, start + 1) >= 0)
    throw new Error(`test/mutants/lease.ts: '${name}': its original stands not once in ${path}: ${original}`);
  const end = start + original.length;
  const line = text.slice(0, start).split('\n').length;
  return { id: `${path}: ${name}`, path, room: 'lease', operator: 'named', line, start, end, original, mutated };
}

/** The named mutants, in the order of the sources. */
export function leaseMutants(): Mutant[] {
  return Object.entries(changes).flatMap(([path, named]) => {
    const text = readFileSync(join(rootFolder, path), 'utf8');
    return named.map((change) => mutantOf(path, text, change));
  });
}
