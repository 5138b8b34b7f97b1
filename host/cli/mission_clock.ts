/** Formats mission time for people: `day  3 04:05:06`. */
export function missionClock(timeMs: number): string {
  const day = Math.floor(timeMs / 86_400_000);
  const parts = [Math.floor(timeMs / 3_600_000) % 24, Math.floor(timeMs / 60_000) % 60, Math.floor(timeMs / 1000) % 60];
  return `day ${String(day).padStart(2)} ${parts.map((part) => String(part).padStart(2, '0')).join(':')}`;
}
