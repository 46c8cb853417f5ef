/** The instant up to which windows may be read: never later than either clock says. Pure. */
import type { Clock } from '../shared/clock.ts';
import { toInstant, type InstantMs } from '../shared/time.ts';

/**
 * The earlier of this machine's clock and Langfuse's (by its `Date` header). A worker whose clock is ahead would
 * else finish windows that are still being written; one whose clock is behind only waits.
 */
export function toTrustedNow(clocks: {
  readonly localMs: InstantMs;
  /** Langfuse's clock minus the local one; null where it is not known. */
  readonly skewMs: number | null;
}): InstantMs {
  return toInstant(clocks.localMs + Math.min(0, Math.trunc(clocks.skewMs ?? 0)));
}

/** A clock that tells {@link toTrustedNow}. Not for the lease, which all workers of a machine must time alike. */
export function toTrustedClock(clock: Clock, skewMs: number | null): Clock {
  return {
    now: () => toTrustedNow({ localMs: clock.now(), skewMs }),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
