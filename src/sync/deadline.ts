/** Ends a run that has used up its time. */
import { AppError } from '../shared/errors.ts';

export interface Deadline extends Disposable {
  /** Aborted, with OUT_OF_TIME as reason, when the time is over. */
  readonly signal: AbortSignal;
}

/** Starts the clock; never ends for null. */
export function startDeadline(maxRuntimeMs: number | null): Deadline {
  const controller = new AbortController();
  const timer =
    maxRuntimeMs === null
      ? null
      : setTimeout(
          () =>
            controller.abort(
              new AppError(
                'OUT_OF_TIME',
                `The run's time of ${Math.round(maxRuntimeMs / 1000)} s (SYNC_MAX_RUNTIME) was over before this window was finished.`,
              ),
            ),
          maxRuntimeMs,
        );
  timer?.unref();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
