/** What SPIN verifies and what it refutes: parameters of the models. README.md explains them. */
import type { Check } from './spin.ts';

interface Case {
  name: string;
  check: Check;
}

const intent = (...flags: string[]): Check => ({ model: 'intent', flags });
const lively = (...flags: string[]): Check => ({ model: 'intent', flags: ['LIVELY', ...flags], lively: true });
const revocation = (...flags: string[]): Check => ({ model: 'revocation', flags });
const decision = (...flags: string[]): Check => ({ model: 'decision', flags });
const bitstate = (bits: number, ...flags: string[]): Check => ({ model: 'intent', flags, bits });

const large = (check: Check): Check => ({ ...check, isLarge: true });
const huge = (check: Check): Check => ({ ...check, isHuge: true });

const partition = ['VERSIONS=2', 'PARTITIONS=1'];
/** Node 0 is the one that is cut off: the owner whose lease others wait for. */
const ownerCutOff = [...partition, 'CUT_OFF=0'];
const witnessRestarts = ['VERSIONS=2', 'RESTARTS=1', 'RESTARTED=2'];
/** One forgery, heard by the witness first; from there it spreads as far as it is believed. */
const insider = ['VERSIONS=2', 'INSIDER=1', 'FORGES=1', 'FORGED_AT=2'];
/** One partition, one restart and one forgery together. */
const everyFault = [...insider, ...witnessRestarts.slice(1), 'PARTITIONS=1'];
const returned = ['VERSIONS=3', ...ownerCutOff.slice(1), 'LEASE=9', 'LOSSES=0'];
const revoked = ['COUNTER_MAX=1', 'CUTS=2'];

/** Verified over the whole state space. */
export const worlds: Case[] = [
  { name: 'losses, one partition of an owner', check: intent(...ownerCutOff) },
  { name: 'losses, one restart of the witness', check: intent(...witnessRestarts) },
  { name: 'losses, one forgery to any node in any name', check: intent(...insider.slice(0, -1)) },
  { name: 'healed, without a partition', check: lively('VERSIONS=3', 'LOSSES=0') },
  { name: 'a decision, losses, a claim that settles', check: decision('CLAIMS=1') },
];

/** One assumption of a proof removed: SPIN refutes each. */
export const mutants: Case[] = [
  { name: 'STAMP_AHEAD', check: intent('M_STAMP_AHEAD', ...insider, 'AHEAD=1') },
  { name: 'MINORITY', check: intent('M_MINORITY', 'VERSIONS=2') },
  { name: 'CLAIMS_NOT_IN_DIGEST', check: intent('M_CLAIMS_NOT_IN_DIGEST', 'VERSIONS=2') },
  { name: 'CLAIM_NOT_IN_DIGEST', check: intent('M_CLAIM_NOT_IN_DIGEST', 'VERSIONS=2') },
  { name: 'BEHIND_REFUSED', check: intent('M_BEHIND_REFUSED', 'VERSIONS=2') },
  { name: 'STARTED_NOT_FIRST', check: intent('M_STARTED_NOT_FIRST', 'VERSIONS=2') },
  { name: 'BEATEN_DISAGREES', check: intent('M_BEATEN_DISAGREES', 'VERSIONS=2') },
  { name: 'BEATEN_ONE_ROUND', check: intent('M_BEATEN_ONE_ROUND', 'VERSIONS=2') },
  { name: 'START_UNPUBLISHED', check: intent('M_START_UNPUBLISHED', 'VERSIONS=2') },
  { name: 'ENDED_LEASE_RENEWED', check: intent('M_ENDED_LEASE_RENEWED', ...ownerCutOff) },
  { name: 'LEASE_FROM_CUT', check: intent('M_LEASE_FROM_CUT', ...ownerCutOff, 'GUARD=0') },
  { name: 'NO_GUARD', check: intent('GUARD=0', ...ownerCutOff, 'FAST=1', 'MINUTE') },
  { name: 'SILENT_NOT_IN_DIGEST', check: intent('M_SILENT_NOT_IN_DIGEST', ...ownerCutOff) },
  { name: 'RESTARTED_VOTES', check: intent('M_RESTARTED_VOTES', ...witnessRestarts) },
  { name: 'RECOVERY_SHORT', check: intent('M_RECOVERY_SHORT', ...witnessRestarts) },
  {
    name: 'OLD_BOOT_SETTLES',
    check: intent('M_OLD_BOOT_SETTLES', 'VERSIONS=3', 'RESTARTS=1', 'RESTARTED=0', 'QUITS=1'),
  },
  { name: 'RELEASE_OF_CLAIM', check: intent('M_RELEASE_OF_CLAIM', ...insider) },
  { name: 'RELEASE_AFTER_WAIT', check: intent('M_RELEASE_AFTER_WAIT', ...insider) },
  { name: 'RELEASE_BY_START', check: intent('M_RELEASE_BY_START', ...insider, 'LOSSES=0') },
  { name: 'RELEASE_ACROSS_CUT', check: intent('M_RELEASE_ACROSS_CUT', ...insider, 'LOSSES=0') },
  { name: 'HALVES_UNASKED', check: decision('M_HALVES_UNASKED', 'CLAIMS=1') },
  { name: 'LEARNT_DECIDES', check: decision('M_LEARNT_DECIDES') },
  { name: 'VALUE_CHOSEN_ANEW', check: decision('M_VALUE_CHOSEN_ANEW') },
  { name: 'RENEWS_AFTER_SWITCH', check: decision('M_RENEWS_AFTER_SWITCH', 'CLAIMS=1', 'PHASES=3') },
  { name: 'BASE_AT_ONCE', check: revocation('M_BASE_AT_ONCE', ...revoked) },
];

/** What the firmware does not prevent: SPIN refutes each. */
export const openHoles: Case[] = [
  { name: 'LIES_ABOUT_AGREEMENT', check: intent('M_LIES_ABOUT_AGREEMENT', 'VERSIONS=2') },
];

export const livelyMutant: Case = {
  name: 'NOT_RECLAIMED',
  check: lively('M_NOT_RECLAIMED', 'VERSIONS=3', 'RESTARTS=1', 'RESTARTED=0', 'LOSSES=0'),
};

/** Places that must be reached: each is asserted to be unreachable, and SPIN refutes that. */
export const probes: Case[] = [
  { name: 'a claim settles', check: intent('P_SETTLES', 'VERSIONS=2') },
  { name: 'a lease ends', check: intent('P_LEASE_ENDS', 'VERSIONS=3') },
  { name: 'a node takes over from one that is cut off', check: intent('P_TAKEOVER', ...ownerCutOff) },
  { name: 'a partition heals and all agree', check: intent('P_HEALS', ...partition) },
  {
    name: 'an owner works again after its restart',
    check: intent('P_RESTARTED_WORKS', 'VERSIONS=3', 'VERSIONS_1=1', 'RESTARTS=1', 'RESTARTED=0', 'LOSSES=0'),
  },
  { name: 'a forgery is refuted and the owner works', check: intent('P_OBJECTS', ...insider) },
  { name: 'the second ballot decides a split', check: decision('P_SECOND_BALLOT') },
  { name: 'a cluster decides that it does not split', check: decision('P_VOID') },
  { name: 'a vote is revoked', check: revocation('P_REVOKED', ...revoked) },
];

/** Verified by the long version; the one with bits is searched in part. */
export const longWorlds: Case[] = [
  { name: 'losses, one partition of any node', check: large(intent(...partition)) },
  { name: 'losses, one restart of any node', check: large(intent('VERSIONS=2', 'RESTARTS=1')) },
  {
    name: 'healed after a partition',
    check: large(lively('VERSIONS=3', 'PARTITIONS=1', 'CUT_OFF=0', 'LOSSES=0')),
  },
  { name: 'losses, one partition of an owner, in ticks of a minute', check: large(intent(...ownerCutOff, 'MINUTE')) },
  {
    name: 'losses, one partition of the witness, one forgery to it',
    check: large(intent(...insider, 'PARTITIONS=1', 'CUT_OFF=2')),
  },
  {
    name: 'healed after a restart',
    check: large(lively('VERSIONS=3', 'RESTARTS=1', 'RESTARTED=0', 'LOSSES=0')),
  },
  { name: 'losses, claims anew', check: large(intent('VERSIONS=4')) },
  { name: 'losses, clocks apart', check: large(intent('VERSIONS=2', 'CLOCKS=1')) },
  { name: 'one partition, an owner comes back', check: large(intent(...returned)) },
  {
    name: 'losses, one restart of an owner that claims anew',
    check: large(intent('VERSIONS=4', 'VERSIONS_1=2', 'RESTARTS=1', 'RESTARTED=0')),
  },
  { name: 'one partition, lies about ages', check: large(intent(...ownerCutOff, 'LIES_ABOUT_AGES')) },
  { name: 'every fault at once, the witness is cut off', check: huge(intent(...everyFault, 'CUT_OFF=2')) },
  { name: 'every fault at once, owner 0 is cut off', check: huge(intent(...everyFault, 'CUT_OFF=0')) },
  { name: 'every fault at once, owner 1 is cut off', check: huge(intent(...everyFault, 'CUT_OFF=1')) },
  { name: 'a decision, a lease that runs on', check: large(decision('CLAIMS=1', 'PHASES=3')) },
  { name: 'a decision, one restart', check: large(decision('CLAIMS=1', 'PHASES=2', 'RESTARTS=1')) },
  { name: 'a decision, a checkpoint of two votes lost', check: large(decision('LOST_CHECKPOINTS=1', 'LOSER=0')) },
  { name: 'a decision, a checkpoint of a proposer lost', check: large(decision('LOST_CHECKPOINTS=1', 'LOSER=1')) },
  { name: 'vote revocation', check: large(revocation(...revoked)) },
  { name: 'four nodes, losses, one forgery', check: large(intent('N=4', ...insider)) },
  { name: 'four nodes, losses, one restart', check: large(bitstate(33, 'N=4', ...witnessRestarts)) },
];

/** Refuted by the long version. */
export const longMutants: Case[] = [
  { name: 'RETURN_NOT_SHORTENED', check: intent('M_RETURN_NOT_SHORTENED', ...returned) },
  { name: 'COUNTERS_NOT_IN_DIGEST', check: large(revocation('M_COUNTERS_NOT_IN_DIGEST', ...revoked)) },
  { name: 'RELEASE_BY_ORDER', check: intent('M_RELEASE_BY_ORDER', ...insider) },
  { name: 'RETRACTED_TO_NOTHING', check: intent('M_RETRACTED_TO_NOTHING', ...insider) },
  { name: 'PROMISES_UNASKED', check: decision('M_PROMISES_UNASKED') },
  { name: 'OLD_BALLOT', check: decision('M_OLD_BALLOT') },
  { name: 'SETTLES_WHILE_ACCEPTED', check: decision('M_SETTLES_WHILE_ACCEPTED', 'CLAIMS=1') },
  { name: 'NO_HOLD', check: decision('M_NO_HOLD', 'CLAIMS=1', 'PHASES=3') },
  { name: 'NOT_DURABLE', check: large(decision('M_NOT_DURABLE', 'RESTARTS=1')) },
  { name: 'VOTE_BY_TIME', check: large(decision('M_VOTE_BY_TIME', 'LOST_CHECKPOINTS=1')) },
  { name: 'CHANGED_VOTES_COUNT', check: large(revocation('M_CHANGED_VOTES_COUNT', ...revoked)) },
];

/** Places that the long version must reach. */
export const longProbes: Case[] = [
  { name: 'an owner that came back shortens its work', check: intent('P_SHORTENED', ...returned) },
  { name: 'a vote is given back', check: large(revocation('P_GIVEN_BACK', 'COUNTER_MAX=2', 'CUTS=3')) },
];
