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

/**
 * Mission milliseconds now, when mission second 0 was at `epochMs` (wall clock, since 1970) and
 * time runs `timeScale` times as fast.
 */
export function missionMsSince(epochMs: number, timeScale: number): number {
  return Math.max(0, Math.floor((Date.now() - epochMs) * timeScale));
}

/** Starts a stopwatch for measurements; the function returns the seconds since the start. */
export function startStopwatch(): () => number {
  const begin = performance.now();
  return () => (performance.now() - begin) / 1000;
}
