/**
 * Reports the processor time of a test file's process and of the processes that it waited for.
 * Loaded before the file by `node --import`; writes seconds to file descriptor 3 at the end.
 */
import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Linux counts the times in /proc in hundredths of a second, on every machine. */
const ticksPerS = 100;

/** utime, stime, cutime and cstime: fields 14 to 17 of /proc/self/stat (proc(5)). */
function secondsSinceStart() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The second field is the command's name in parentheses, which may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerS;
}

if (isMainThread)
  process.on('exit', () => {
    try {
      writeSync(3, secondsSinceStart().toFixed(2));
    } catch {
      // No /proc: the runner takes the elapsed time.
    }
  });
