/** Holds the lease of the state file for as long as a run goes on. */
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { leaseMs, takeLease, type TakenLease } from '../store/lease.ts';
import type { State } from '../store/open-state.ts';

export interface KeptLease extends Disposable {
  /** Whose lease this was, when that worker ended without handing it back. */
  readonly takenFrom: TakenLease | null;
  /** Aborts, with STATE_BUSY as reason, when another worker has taken over. */
  readonly signal: AbortSignal;
  /** Throws STATE_BUSY unless this worker alone may write. Looks into the state file: cheap, before each write. */
  assertHeld(): void;
  isHeld(): boolean;
  /** Begins the lease anew before a step; throws STATE_BUSY when another worker has taken over. */
  renew(): void;
}

/**
 * Takes the lease and renews it at a third of its life. Reports a lease that is taken over from a dead worker. Throws
 * STATE_BUSY while another worker holds it.
 */
export function keepLease(
  state: State,
  keeper: { readonly clock: Clock; readonly holder: string; readonly report: ReportProgress },
): KeptLease {
  const lease = takeLease(state, { holder: keeper.holder, nowMs: keeper.clock.now() });
  const { takenFrom } = lease;
  if (takenFrom !== null) keeper.report({ kind: 'lease_taken_over', ...takenFrom });
  const lost = new AbortController();
  const timer = setInterval(() => {
    try {
      lease.renew(keeper.clock.now());
    } catch (error) {
      lost.abort(error);
    }
  }, leaseMs / 3);
  timer.unref();
  return {
    takenFrom,
    signal: lost.signal,
    assertHeld: () => lease.assertHeld(keeper.clock.now()),
    isHeld: () => {
      try {
        lease.assertHeld(keeper.clock.now());
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code === 'STATE_BUSY') return false;
        throw error;
      }
    },
    renew: () => lease.renew(keeper.clock.now()),
    [Symbol.dispose]() {
      clearInterval(timer);
      lease.release();
    },
  };
}
