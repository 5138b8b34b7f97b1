// Keeps the value that this node, as coordinator, is to have decided.

import { COORDINATOR_ALLOWED } from '../memory/limits';
import { federation, federationToChange } from './table';

/** Notes a value to decide on. */
export function orderDecision(ctx: usize, kind: u32, contentHigh: u32, contentLow: u32): void {
  const state = federationToChange(ctx);
  state.orderKind = <u8>(kind + 1);
  state.orderHigh = contentHigh;
  state.orderLow = contentLow;
}

/** Whether there is a value to decide on. */
export function isOrdered(ctx: usize): bool {
  return <u32>federation(ctx).orderKind != 0;
}

/** Forgets what was ordered: another coordinator did not hear of it. */
export function forgetOrder(ctx: usize): void {
  if (COORDINATOR_ALLOWED && isOrdered(ctx)) federationToChange(ctx).orderKind = 0;
}
