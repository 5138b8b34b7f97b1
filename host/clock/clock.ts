/**
 * Reads time: the only place of the project that does. A node's firmware gets its processor's
 * monotonic clock from here. With a time scale of K, K seconds pass in it for every second on the
 * wall.
 */
export interface Clock {
  /** Milliseconds since this clock was made, times the scale. Never goes back. */
  elapsedMs(): number;
  /**
   * Calls back once `elapsedMs()` has reached `atMs`, at the earliest in the next turn of the event
   * loop.
   */
  wakeAt(atMs: number, wake: () => void): Alarm;
}

export interface Alarm {
  cancel(): void;
}

/** Node's timers take at most 2³¹−1 ms and fire at once beyond it. Waking early is harmless. */
const timerMsMax = 2 ** 31 - 1;

export function startClock(timeScale: number): Clock {
  const begin = performance.now();
  const elapsedMs = () => (performance.now() - begin) * timeScale;
  return {
    elapsedMs,
    wakeAt(atMs, wake) {
      const wallMs = Math.min(Math.max((atMs - elapsedMs()) / timeScale, 0), timerMsMax);
      // Timers round down: 1 ms more avoids a second wake that would find nothing due.
      const timer = setTimeout(wake, wallMs === 0 ? 0 : Math.ceil(wallMs));
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** Wall-clock milliseconds since 1970, for stamps that people read. */
export function wallMs(): number {
  return Date.now();
}

/** The wall clock now, as people write it: `2026-01-18T00:00:00.000Z`. */
export function wallText(): string {
  return utcText(Date.now());
}

/** Writes milliseconds since 1970 as `2026-01-18T00:00:00.000Z`. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString();
}

/** ISO 8601 in UTC: one instant, on whatever machine it is read. Without its Z it is local time. */
const utcForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** Reads a time in UTC as milliseconds since 1970; null: it is none, as on the 30th of February. */
export function utcMs(text: string): number | null {
  const ms = utcForm.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && utcText(ms).startsWith(text.slice(0, 19)) ? ms : null;
}

/** Mission time of a node on this machine. */
export interface MissionClock {
  /** Mission milliseconds now: by the wall as of the start, by the monotonic clock since. */
  missionMs(): number;
  /** Mission milliseconds by the wall as it stands now. Negative: the wall is before second 0. */
  byWallMs(): number;
}

/**
 * Starts mission time: mission second 0 was at `beginMs` (wall clock, since 1970), and time runs
 * `timeScale` times as fast, as `clock` does.
 */
export function startMissionClock(beginMs: number, timeScale: number, clock: Clock): MissionClock {
  const byWallMs = () => Math.floor((Date.now() - beginMs) * timeScale);
  const zeroMs = byWallMs() - clock.elapsedMs();
  return { missionMs: () => Math.floor(zeroMs + clock.elapsedMs()), byWallMs };
}

/** The wall is compared with the monotonic clock this often. */
const wallCheckMs = 1000;
/** A difference that grows by more between two comparisons is a step, not drift or slewing. */
const wallStepMs = 500;

/** Calls back when the wall clock was set: by so many milliseconds, negative if back. */
export function watchWall(onStep: (stepMs: number) => void): Alarm {
  const offsetMs = () => Date.now() - performance.now();
  let beforeMs = offsetMs();
  const timer = setInterval(() => {
    const stepMs = offsetMs() - beforeMs;
    beforeMs += stepMs;
    if (Math.abs(stepMs) >= wallStepMs) onStep(Math.round(stepMs));
  }, wallCheckMs);
  return { cancel: () => clearInterval(timer) };
}

/** Starts a stopwatch for measurements; the function returns the seconds since the start. */
export function startStopwatch(): () => number {
  const begin = performance.now();
  return () => (performance.now() - begin) / 1000;
}
