// Lists within a message that name something twice: nobody of us sends such, and which of the two would hold is not for the receiver to choose.

import { sameDigest } from '../intent/witness_table';
import {
  SilentList,
  silentListEntryAt,
  OwnerSummary,
  ownerSummaryEntryAt,
  NoticeSummary,
  noticeSummaryEntryAt,
  Proof,
} from '../wire/generated/messages';

/** Whether all are members, each named once. */
export function silentListPlausible(m: SilentList, members: u32): bool {
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const named = silentListEntryAt(m, i).member;
    if (named >= members) return false;
    for (let j: u32 = 0; j < i; j++) if (silentListEntryAt(m, j).member == named) return false;
  }
  return true;
}

/** Whether each slot is named once. */
export function ownerSummaryPlausible(m: OwnerSummary, members: u32): bool {
  let seen: u32 = 0;
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const bit: u32 = 1 << ownerSummaryEntryAt(m, i).slot;
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return m.owner < members;
}

/** Whether each unit is named once. */
export function noticeSummaryPlausible(m: NoticeSummary): bool {
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const named = noticeSummaryEntryAt(m, i);
    for (let j: u32 = 0; j < i; j++) {
      const other = noticeSummaryEntryAt(m, j);
      if (other.group == named.group && other.unit == named.unit) return false;
    }
  }
  return true;
}

/** Whether it is two words on one version. */
export function proofPlausible(m: Proof, members: u32): bool {
  return m.owner < members && m.version != 0 && !sameDigest(m.digestAAt, m.digestBAt);
}
