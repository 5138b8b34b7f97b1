import { CYCLE_S, type Mute, MUTE_CAUSE } from '../cbor/generated.ts';

/** Source of mission time. `auto`: at a first boot the wall, then the members. */
export type TimeSource = 'auto' | 'wall' | 'peers';

/** A node waits for members that know the time for so long, and so much more per lower index. */
const waitMs = 600_000;
const waitPerMemberMs = 300_000;
const waitMsMax = 3_600_000;
/** What a node can have reserved ahead of its clock, with room for the clock's error. */
const aheadCycles = 40;

/** How long member `self` waits for the time before it takes the wall's, milliseconds. */
export function wallWaitMs(self: number): number {
  return Math.min(waitMs + waitPerMemberMs * self, waitMsMax);
}

/**
 * Decides when a node that learns the time from no member takes it from the wall: in a cluster that
 * was restarted as a whole nobody knows it. The lowest member that runs is the first, and the
 * others learn the time from it. Three samples take a member three minutes: five lie between two.
 * Times are milliseconds of local time.
 */
export class WallFallback {
  /** When the wall is to be asked; Infinity: the time is known, or the wall may not be asked. */
  dueMs = Number.POSITIVE_INFINITY;
  readonly #isAllowed: boolean;
  readonly #waitMs: number;

  constructor(source: TimeSource, self: number) {
    this.#isAllowed = source !== 'peers';
    this.#waitMs = wallWaitMs(self);
  }

  /** Takes the event of a node that falls mute or speaks again. Returns a remark for its log. */
  onMute({ cause, untilS }: Omit<Mute, 'name'>, localMs: number, missionS: number): string {
    this.dueMs = Number.POSITIVE_INFINITY;
    switch (cause) {
      case MUTE_CAUSE.noTime:
        if (this.#isAllowed) this.dueMs = localMs + this.#waitMs;
        return this.#isAllowed
          ? `until a member gives the time, or for ${this.#waitMs / 1000} s: then the wall clock is asked`
          : 'until a member gives the time';
      case MUTE_CAUSE.countersUsed:
        return `(${Math.max(0, untilS - missionS)} s from now)`;
      case MUTE_CAUSE.noKey:
        return 'until it is given a key';
      case MUTE_CAUSE.noReservation:
        return 'until the reservation is written';
      default:
        return '';
    }
  }

  /**
   * Whether the wall may be believed: it is not before a time at which this node reserved counters.
   * If it may not, it is asked again later.
   */
  believes(wallMissionMs: number, reservedCycle: number, localMs: number): boolean {
    this.dueMs = Number.POSITIVE_INFINITY;
    if (wallMissionMs >= 0 && wallMissionMs / (1000 * CYCLE_S) + aheadCycles >= reservedCycle) return true;
    this.dueMs = localMs + this.#waitMs;
    return false;
  }
}
