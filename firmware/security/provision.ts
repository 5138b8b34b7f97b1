// Provides a boot with keys from the configuration, and with the counter that it starts from.

import {
  BOOT_CAUSE_POWER_ON,
  PATH_KEYS,
  SECRET_BYTES,
  STATUS_IMPLAUSIBLE,
  STATUS_MALFORMED,
  STATUS_OK,
} from '../wire/generated/codes';
import { RESERVE_CYCLES } from '../memory/limits';
import { SCRATCH_AT } from '../memory/map';
import { changes } from '../memory/guard';
import { node, queues, timeKnown, HOT } from '../node/table';
import { cycleNow } from '../node/tx_slots';
import { LinkSecret, PathKey, decodeLinkSecret, decodePathKey, TYPE_LINK_SECRET } from '../wire/generated/messages';
import { NEVER, raiseWindows, reserveAhead } from './counters';
import { deriveLinkKey } from './derive';
import { installKey, levelOf, newestKeyEpoch } from './key_epoch';
import { linkKeyToReplace, pathKeyToChange, RECOVERY } from './table';

/**
 * Accepts one `link-secret` or `path-key` record, which ends at `end`. A key epoch older than the
 * newest that is stored is ignored.
 */
export function acceptKey(ctx: usize, type: u32, at: usize, end: usize): u32 {
  const s: usize = ctx + SCRATCH_AT;
  if (type == TYPE_LINK_SECRET) {
    const m = changetype<LinkSecret>(s);
    if (decodeLinkSecret(at, end, m) != end) return STATUS_MALFORMED;
    if (m.keyEpoch == 0 || m.keyEpoch == 0xffff) return STATUS_IMPLAUSIBLE;
    if (m.keyEpoch > newestKeyEpoch(ctx)) installKey(ctx, m.keyEpoch, m.startS, m.secretAt);
    return STATUS_OK;
  }
  const m = changetype<PathKey>(s);
  if (decodePathKey(at, end, m) != end) return STATUS_MALFORMED;
  const up = levelOf(ctx, m.node);
  if (up == PATH_KEYS) return STATUS_IMPLAUSIBLE;
  memory.copy(pathKeyToChange(ctx, up), m.keyAt, SECRET_BYTES);
  if (m.node != 1) return STATUS_OK;
  const key = linkKeyToReplace(ctx, RECOVERY);
  memory.fill(changetype<usize>(key), 0, 64);
  deriveLinkKey(ctx, 0, m.keyAt, changetype<usize>(key));
  key.present = 1;
  return STATUS_OK;
}

/**
 * Starts the counters behind the reservation in non-volatile memory. `stored` is the reservation in
 * the checkpoint that the node was restored from, 0 without one. The reservation was lost if memory
 * has none and this is no first power-on, or if memory has less than the checkpoint: then the
 * counters start, once the time is known, as far ahead of the present cycle as the board can have
 * reserved, and never within what the checkpoint had reserved.
 */
export function beginCounters(ctx: usize, reserved: u32, stored: u32, restored: bool): void {
  const state = queues(ctx);
  const first = node(ctx).incarnation <= 1 && node(ctx).cause == BOOT_CAUSE_POWER_ON && !restored;
  const lost = reserved == 0 ? !first : reserved < stored;
  const floor = !lost ? reserved : timeKnown(ctx) ? max<u32>(cycleNow(ctx) + RESERVE_CYCLES, stored) : NEVER;
  state.reserved = lost ? 0 : reserved;
  state.sentCycle = floor;
  changes(ctx, HOT);
  const lowest = floor == NEVER ? 0 : floor;
  // Beyond the reservation nothing was accepted: a window there was moved by a forger while the
  // time was not known.
  raiseWindows(ctx, lowest, lost ? NEVER : lowest, lowest);
  reserveAhead(ctx);
}
