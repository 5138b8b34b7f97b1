// Keeps the newest profile of each member, and sends the own one. Profiles are sums of the summary,
// and nothing else.

import { COORDINATOR_ALLOWED, PROFILE_S } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { ADDRESSEE_ALL } from '../wire/generated/codes';
import { capability, capabilityToChange, members, missionS, node, self } from '../node/table';
import { hasBroadcast, isCongested, send, SEND_HEARTBEAT, SEND_PROFILE } from '../node/outbox';
import {
  ClusterSummary,
  clusterSummaryEconomyAt,
  clusterSummaryLineageAt,
  clusterSummaryVersionAt,
  encodeMemberProfile,
  MemberProfile,
  memberProfileDemandAt,
  memberProfileStockAt,
  setClusterSummaryEconomyAt,
  setClusterSummaryLineageAt,
  setMemberProfileDemandAt,
  setMemberProfileStockAt,
} from '../wire/generated/messages';
import { federation, federationToChange, profile, profileToChange, FederationState } from './table';

/** A profile counts in the mission hour in which it came, and in so many after that. */
const PROFILE_HOURS: u32 = 2;
/** Hours are kept modulo this, plus one. */
const HOUR_MODULUS: u32 = 15;
const HOUR_SHIFT: u32 = 28;
const LINEAGE_SHIFT: u32 = 26;
const VERSION_SHIFT: u32 = 24;
/** Versions that are counted apart, and the index of all others. */
const VERSIONS: u32 = 3;

/** Stocks stand before demands in the summary's economy, and the energy margin at its end. */
const STOCKS_FROM: u32 = 1;
const DEMANDS_FROM: u32 = 4;
const ENERGY: u32 = 7;
const U16_MAX: u32 = 0xffff;

function versionAt(state: FederationState, index: u32): u32 {
  return load<u16>(changetype<usize>(state) + offsetof<FederationState>('version0') + (index << 1));
}

/** The index of a version of the software; VERSIONS if others have all places. */
function versionIndex(ctx: usize, version: u32): u32 {
  const state = federation(ctx);
  let free = VERSIONS;
  for (let i: u32 = 0; i < VERSIONS; i++) {
    if (((<u32>state.versionsUsed >>> i) & 1) == 0) free = min<u32>(free, i);
    else if (versionAt(state, i) == version) return i;
  }
  if (free == VERSIONS) return VERSIONS;
  const changed = federationToChange(ctx);
  changed.versionsUsed |= <u16>((<u32>1) << free);
  store<u16>(changetype<usize>(changed) + offsetof<FederationState>('version0') + (free << 1), <u16>version);
  return free;
}

/** Stores a member's profile in place of its older one. */
export function noteProfile(ctx: usize, member: u32, m: MemberProfile): void {
  let stocks = m.energy << 24;
  let demands = (((missionS(ctx) / 3600) % HOUR_MODULUS) + 1) << HOUR_SHIFT;
  demands |= (m.lineage << LINEAGE_SHIFT) | (versionIndex(ctx, m.version) << VERSION_SHIFT);
  for (let i: u32 = 0; i < VERSIONS; i++) {
    stocks |= memberProfileStockAt(m, i) << (i << 3);
    demands |= memberProfileDemandAt(m, i) << (i << 3);
  }
  const entry = profileToChange(ctx, member);
  entry.stocks = stocks;
  entry.demands = demands;
}

/** Clears profiles that are too old, once an hour. */
export function clearOldProfiles(ctx: usize): void {
  const hour = missionS(ctx) / 3600;
  if (federation(ctx).clearedHour == hour) return;
  let used: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    const demands = profile(ctx, i).demands;
    const kept = demands >>> HOUR_SHIFT;
    if (kept == 0) continue;
    const age = ((hour % HOUR_MODULUS) + HOUR_MODULUS - (kept - 1)) % HOUR_MODULUS;
    if (age <= PROFILE_HOURS) used |= 1 << ((demands >>> VERSION_SHIFT) & 3);
    else {
      const entry = profileToChange(ctx, i);
      entry.stocks = 0;
      entry.demands = 0;
    }
  }
  const state = federationToChange(ctx);
  state.clearedHour = hour;
  state.versionsUsed = <u16>(used & ((1 << VERSIONS) - 1));
}

/** Writes this node's profile to the outgoing scratch. */
function ownProfile(ctx: usize): MemberProfile {
  const state = capability(ctx);
  const m = changetype<MemberProfile>(ctx + SCRATCH_OUT_AT);
  m.lineage = <u32>node(ctx).placed - 1;
  m.version = node(ctx).version;
  m.stocksLength = 3;
  m.demandsLength = 3;
  for (let i: u32 = 0; i < 3; i++) {
    setMemberProfileStockAt(m, i, (state.stocks >>> (i << 3)) & 0xff);
    setMemberProfileDemandAt(m, i, (state.demands >>> (i << 3)) & 0xff);
  }
  m.energy = state.stocks >>> 24;
  return m;
}

/** Composes this node's profile. Returns the address after it; 0 if it does not fit. */
export function composeProfile(ctx: usize, at: usize, end: usize): usize {
  return encodeMemberProfile(at, end, ownProfile(ctx));
}

/** Sends the own profile hourly, in a frame that has a heartbeat anyway. */
export function reportProfile(ctx: usize): void {
  const sentS = capability(ctx).profileS;
  if (sentS != 0 && missionS(ctx) - sentS < PROFILE_S) return;
  if (!hasBroadcast(ctx, SEND_HEARTBEAT) || isCongested(ctx)) return;
  capabilityToChange(ctx).profileS = missionS(ctx);
  send(ctx, SEND_PROFILE, ADDRESSEE_ALL, 0, 0);
  if (COORDINATOR_ALLOWED) noteProfile(ctx, self(ctx), ownProfile(ctx));
}

function addTo(m: ClusterSummary, index: u32, amount: u32): void {
  setClusterSummaryEconomyAt(m, index, min<u32>(clusterSummaryEconomyAt(m, index) + amount, U16_MAX));
}

/** Adds up the profiles: lineages, versions and the economy but free capacity. */
export function sumProfiles(ctx: usize, m: ClusterSummary): void {
  const state = federation(ctx);
  // A counter of members for each index of a version, eight bits each.
  let running: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = profile(ctx, i);
    if (entry.demands >>> HOUR_SHIFT == 0) continue;
    const lineage = (entry.demands >>> LINEAGE_SHIFT) & 3;
    setClusterSummaryLineageAt(m, lineage, clusterSummaryLineageAt(m, lineage) + 1);
    running += 1 << (((entry.demands >>> VERSION_SHIFT) & 3) << 3);
    for (let kind: u32 = 0; kind < 3; kind++) {
      addTo(m, STOCKS_FROM + kind, (entry.stocks >>> (kind << 3)) & 0xff);
      addTo(m, DEMANDS_FROM + kind, (entry.demands >>> (kind << 3)) & 0xff);
    }
    addTo(m, ENERGY, entry.stocks >>> 24);
  }
  for (let i: u32 = 0; i < VERSIONS; i++) {
    const count = (running >>> (i << 3)) & 0xff;
    if (count == 0) continue;
    const entry = clusterSummaryVersionAt(m, m.versionsLength++);
    entry.version = versionAt(state, i);
    entry.members = count;
  }
}
