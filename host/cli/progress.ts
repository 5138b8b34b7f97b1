import { SingleBar } from 'cli-progress';
import { startStopwatch } from '../clock/clock.ts';

/** Shows the progress of a long command on stderr. */
export interface Progress {
  /** `done` of the total; `note` is shown beside it. */
  update(done: number, note?: string): void;
  stop(): void;
}

/** A terminal is redrawn at most this often. */
const redrawS = 0.1;
/** Without a terminal a plain line is written at this interval. */
const plainLineS = 30;
const barSize = 24;

/**
 * Starts to show progress: a bar on a terminal, else a plain line every 30 seconds. The bar is
 * drawn at each update, because simulations do not return to the event loop. `silent`: shows
 * nothing, because the terminal shows other lines of this command.
 */
export function startProgress(name: string, total: number, { silent = false } = {}): Progress {
  const seconds = startStopwatch();
  if (silent) return { update: () => {}, stop: () => {} };
  return process.stderr.isTTY ? barOf(name, total, seconds) : plainLines(name, total, seconds);
}

function barOf(name: string, total: number, seconds: () => number): Progress {
  const bar = new SingleBar({ format: `${name} {bar} {percentage} %  {note}`, barsize: barSize, hideCursor: true });
  bar.start(total, 0, { note: '' });
  let drawnS = 0;
  return {
    update(done, note = '') {
      if (seconds() - drawnS < redrawS) return;
      drawnS = seconds();
      bar.update(done, { note });
      (bar as unknown as { render(): void }).render();
    },
    stop: () => bar.stop(),
  };
}

function plainLines(name: string, total: number, seconds: () => number): Progress {
  let writtenS = 0;
  return {
    update(done, note = '') {
      if (seconds() - writtenS < plainLineS) return;
      writtenS = seconds();
      const percent = Math.floor((100 * done) / Math.max(1, total));
      process.stderr.write(`${name} ${percent} %${note === '' ? '' : `  ${note}`}\n`);
    },
    stop: () => {},
  };
}
