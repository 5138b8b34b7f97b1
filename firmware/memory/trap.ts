// Starts the crash recovery: a broken invariant records its site in static memory, then traps. The
// host reads trap_site() afterwards.

const TRAP_SITE_AT: usize = memory.data(4, 4);

/**
 * Traps unless `isSatisfied`. Sites are numbered per module (module × 100 + n), so that a site
 * names its place.
 */
export function invariant(isSatisfied: bool, site: u32): void {
  if (!isSatisfied) {
    store<u32>(TRAP_SITE_AT, site);
    unreachable();
  }
}

/** Returns the site of the last broken invariant; 0 = none since this instance began. */
export function trapSite(): u32 {
  return load<u32>(TRAP_SITE_AT);
}
