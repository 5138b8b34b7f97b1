/**
 * Lets a script continue when the reader of its output has closed the pipe, as `| head` does;
 * nobody reads what it prints then.
 */
export function ignoreClosedPipes() {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (error.code !== 'EPIPE') throw error;
    });
}
