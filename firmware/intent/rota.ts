// Shares units between clusters by a rota: each term belongs to one cluster, given long before, so
// that no two clusters need to agree (docs/federation.md, Units that clusters share).

import { changes } from '../memory/guard';
import { ROTAS_MAX, STATUS_IMPLAUSIBLE, STATUS_OK, TERM_GUARD_S, TERM_S } from '../wire/generated/codes';
import { Rota as RotaRecord } from '../wire/generated/messages';
import { missionS, node, NODE } from '../node/table';
import { Rota, rota, rotaToChange } from './table';

/** Never the end of a term: the unit is not shared. */
const ALWAYS: u32 = 0xffffffff;

function clustersAt(entry: Rota): usize {
  return changetype<usize>(entry) + offsetof<Rota>('c0');
}

/** Forgets all rotas: each boot brings its own. */
export function forgetRotas(ctx: usize): void {
  changes(ctx, NODE);
  node(ctx).rotas = 0;
}

/** Whether a rota may follow so many others in a configuration: its numbers are whole. */
export function isRotaSound(m: RotaRecord, before: u32): bool {
  return before < ROTAS_MAX && (m.clustersLength & 1) == 0;
}

/** Takes a rota of the configuration. Returns a status. */
export function setRota(ctx: usize, m: RotaRecord): u32 {
  const index: u32 = node(ctx).rotas;
  if (!isRotaSound(m, index)) return STATUS_IMPLAUSIBLE;
  const entry = rotaToChange(ctx, index);
  entry.resource = (m.group << 16) | m.unit;
  entry.count = m.clustersLength >>> 1;
  for (let i: u32 = 0; i < entry.count; i++)
    store<u16>(clustersAt(entry) + (i << 1), bswap<u16>(load<u16>(m.clustersAt + (i << 1))));
  changes(ctx, NODE);
  node(ctx).rotas = <u8>(index + 1);
  return STATUS_OK;
}

/** The cluster whose term it is at a mission second. */
export function clusterOfTerm(entry: Rota, atS: u32): u32 {
  return load<u16>(clustersAt(entry) + (((atS / TERM_S) % entry.count) << 1));
}

/** Until when this node's cluster may use what a rota shares, at `atS`; 0 = it may not. */
export function rotaUntilS(ctx: usize, entry: Rota, atS: u32): u32 {
  const intoTermS = atS % TERM_S;
  if (intoTermS < TERM_GUARD_S || clusterOfTerm(entry, atS) != <u32>node(ctx).cluster) return 0;
  return atS - intoTermS + TERM_S;
}

/**
 * Until when this node's cluster may use a resource, mission seconds, at `atS`; 0 = it may not. The
 * rota of a group is that of all its units.
 */
function oursUntilS(ctx: usize, resource: u32, atS: u32): u32 {
  let untilS = ALWAYS;
  for (let i: u32 = 0; i < <u32>node(ctx).rotas; i++) {
    const entry = rota(ctx, i);
    const shared = entry.resource;
    if (shared == resource || shared == (resource & 0xffff0000)) untilS = min<u32>(untilS, rotaUntilS(ctx, entry, atS));
  }
  return untilS;
}

/** The same, now. */
export function oursNowUntilS(ctx: usize, resource: u32): u32 {
  return node(ctx).rotas == 0 ? ALWAYS : oursUntilS(ctx, resource, missionS(ctx));
}

/** Whether this cluster may use a resource through all of [startS, endS): plans use no more. */
export function isOursThrough(ctx: usize, resource: u32, startS: u32, endS: u32): bool {
  return node(ctx).rotas == 0 || endS <= oursUntilS(ctx, resource, startS);
}
