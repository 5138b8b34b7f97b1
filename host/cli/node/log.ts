import { withNames } from '../../cbor/names.ts';
import type { Log } from '../../node/log.ts';
import { wrapped } from '../output.ts';
import { recordText } from '../record_text.ts';

/** Columns before the text of a line: mission time. */
const textColumn = 18;

/**
 * Prints events of a live node, a line each: as text, or as one JSON object. `missionMs`: mission
 * time now.
 */
export function nodeLog(json: boolean, missionMs: () => number): Log {
  return (what, fields, words) => {
    const missionS = missionMs() / 1000;
    // Written directly: this is called from timers and sockets, where a closed pipe must not throw.
    process.stdout.write(`${json ? jsonLine() : textLine()}\n`);

    function jsonLine(): string {
      return JSON.stringify({
        missionS,
        event: what,
        ...withNames(what, fields),
        ...(words === undefined ? {} : { words }),
      });
    }

    function textLine(): string {
      const text = [recordText(what, fields), words ?? ''].join(' ').trimEnd();
      return wrapped(`${missionS.toFixed(3).padStart(14)} s  ${text}`, textColumn);
    }
  };
}
