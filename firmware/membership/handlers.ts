// Messages about members: which can be true, and what they change.

import { call } from '../memory/guard';
import { members } from '../node/table';
import {
  Ack,
  Alive,
  Heartbeat,
  Isolation,
  Probe,
  ProbeRequest,
  RelayedAck,
  SilentList,
  Suspicion,
  silentListEntryAt,
} from '../wire/generated/messages';
import { heartbeatPlausible } from './heartbeat';
import { onAck, onProbe, onProbeRequest, onRelayedAck } from './probing';
import { learnRevocations } from './revocation';
import { onIsolation } from './step';
import { onSuspicion } from './suspicion';
import { learnLastLivenessTick } from './view';

export function applyProbe(ctx: usize, m: Probe): void {
  onProbe(ctx, call(ctx).sender, m.sequence);
}

export function applyAck(ctx: usize, m: Ack): void {
  onAck(ctx, call(ctx).sender, m.sequence);
}

export function admitProbeRequest(ctx: usize, m: ProbeRequest): bool {
  return m.target < members(ctx);
}

export function applyProbeRequest(ctx: usize, m: ProbeRequest): void {
  onProbeRequest(ctx, call(ctx).sender, m.sequence, m.target);
}

export function admitHeartbeat(ctx: usize, m: Heartbeat): bool {
  return heartbeatPlausible(ctx, m);
}

export function admitRelayedAck(ctx: usize, m: RelayedAck): bool {
  return m.target < members(ctx);
}

export function applyRelayedAck(ctx: usize, m: RelayedAck): void {
  onRelayedAck(ctx, m.target);
}

export function admitSuspicion(ctx: usize, m: Suspicion): bool {
  return m.member < members(ctx);
}

export function applySuspicion(ctx: usize, m: Suspicion): void {
  onSuspicion(ctx, m.member, m.incarnation);
}

/** A member refutes suspicions of itself only. */
export function admitAlive(ctx: usize, m: Alive): bool {
  return m.member == call(ctx).sender;
}

export function admitIsolation(_ctx: usize, m: Isolation): bool {
  return m.fromS < m.untilS;
}

export function applyIsolation(ctx: usize, m: Isolation): void {
  onIsolation(ctx, call(ctx).sender, m.fromS, m.untilS);
}

/** Rejects lists that name somebody outside the cluster, or a member twice. */
export function admitSilentList(ctx: usize, m: SilentList): bool {
  const count = members(ctx);
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const named = silentListEntryAt(m, i).member;
    if (named >= count) return false;
    for (let j: u32 = 0; j < i; j++) if (silentListEntryAt(m, j).member == named) return false;
  }
  return true;
}

export function applySilentList(ctx: usize, m: SilentList): void {
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const entry = silentListEntryAt(m, i);
    learnLastLivenessTick(ctx, entry.member, entry.lastLivenessTick);
    learnRevocations(ctx, entry.member, entry.revocations);
  }
}
