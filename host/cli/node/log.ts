import { withNames } from '../../cbor/names.ts';
import type { Log } from '../../node/log.ts';
import { wrapped } from '../output.ts';
import { recordText } from '../record_text.ts';

/** Columns before the text of a line: mission time. */
const textColumn = 18;

/**
 * Prints events of a live node, a line each: as text, or as one JSON object. `missionMs`: mission
 * time now. `watch` gets each line as JSON.
 */
export function nodeLog(json: boolean, missionMs: () => number, watch: (line: string) => void): Log {
  return (what, fields, words) => {
    const missionS = missionMs() / 1000;
    const line = jsonLine();
    // Written directly: this is called from timers and sockets, where a closed pipe must not throw.
    process.stdout.write(`${json ? line : textLine()}\n`);
    watch(line);

    function jsonLine(): string {
      return JSON.stringify({
        missionS,
        event: what,
        ...withNames(what, fields),
        ...(words === undefined ? {} : { words }),
      });
    }

    function textLine(): string {
      return eventLine(missionS, what, fields, words);
    }
  };
}

/** Formats an event as a line for people. */
export function eventLine(
  missionS: number,
  what: string,
  fields: Readonly<Record<string, number>>,
  words: string | undefined,
): string {
  const text = [recordText(what, fields), words ?? ''].join(' ').trimEnd();
  return wrapped(`${missionS.toFixed(3).padStart(14)} s  ${text}`, textColumn);
}
