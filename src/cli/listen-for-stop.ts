import type { Clock } from '../shared/clock.ts';
import { AppError, ExitCode } from '../shared/errors.ts';

/** Ctrl-C under `npm run` arrives twice, from the terminal and from npm, and is meant once. */
const sameRequestMs = 500;

const exitCodes = { SIGINT: ExitCode.interrupted, SIGTERM: ExitCode.terminated } as const;

/**
 * The signal that is aborted, with an AppError CANCELLED, by the first SIGINT or SIGTERM: the command then ends
 * its step, releases what it holds and ends. A second one ends the process at once.
 */
export function listenForStop(process: NodeJS.Process, clock: Clock): AbortSignal {
  const stopping = new AbortController();
  let firstMs = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!stopping.signal.aborted) {
        firstMs = clock.now();
        const details = { signal: name };
        stopping.abort(new AppError('CANCELLED', `Stopped by ${name}.`, { details }));
      } else if (clock.now() - firstMs >= sameRequestMs) {
        // The bar hides the cursor while it is drawn.
        if (process.stderr.isTTY) process.stderr.write('\u001B[?25h');
        process.exit(exitCodes[name]);
      }
    });
  }
  return stopping.signal;
}
