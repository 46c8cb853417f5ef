/** The one place that repeats a call to MLflow. */
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { Fault } from './rest-errors.ts';

export type Outcome<T> = { readonly value: T } | { readonly fault: Fault };

export interface RetryPolicy {
  /** Repeats after the first attempt. */
  readonly maxRetries: number;
  readonly clock: Clock;
  /** In `[0, 1)`. */
  readonly random: () => number;
  readonly signal: AbortSignal | undefined;
  readonly onNotice: (message: string) => void;
}

const firstWaitMs = 500;
const longestWaitMs = 60_000;
/** A server that asks for more than this is left alone until the next run. */
export const longestAskedWaitMs = 300_000;

/**
 * Calls `attempt` until it has a value or its fault says that repeating is of no use. A call that is not
 * idempotent is repeated only after a fault that shows it was not carried out; when that is uncertain the
 * error is MLFLOW_UNREACHABLE, whatever the server said, and the caller must look before it tries again.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  call: {
    readonly isIdempotent: boolean;
    readonly attempt: (retry: number) => Promise<Outcome<T>>;
  },
): Promise<T> {
  for (let retry = 0; ; retry += 1) {
    const outcome = await call.attempt(retry);
    if ('value' in outcome) return outcome.value;
    const { fault } = outcome;
    if (fault.retry === 'idempotent' && !call.isIdempotent) throw toUncertain(fault.error);
    const limit = Math.min(policy.maxRetries, fault.maxRetries ?? policy.maxRetries);
    if (fault.retry === 'never' || retry >= limit) throw fault.error;
    const waitMs = fault.retryAfterMs || toBackoffMs(retry, policy.random());
    if (waitMs > longestAskedWaitMs) {
      throw new AppError(
        'MLFLOW_UNREACHABLE',
        `${fault.error.message} (asked to wait ${Math.ceil(waitMs / 1000)} s)`,
        { cause: fault.error, details: { ...fault.error.details, retryAfterMs: waitMs } },
      );
    }
    policy.onNotice(`${fault.error.message} Trying again in ${(waitMs / 1000).toFixed(1)} s.`);
    await policy.clock.sleep(waitMs, policy.signal);
  }
}

/** Doubles from half a second to a minute; half of it is chance, so that workers don't come back in step. */
export function toBackoffMs(retry: number, random: number): number {
  const ceilingMs = Math.min(longestWaitMs, firstWaitMs * 2 ** retry);
  return Math.round(ceilingMs / 2 + (ceilingMs / 2) * random);
}

function toUncertain(error: AppError): AppError {
  return new AppError(
    'MLFLOW_UNREACHABLE',
    `${error.message} It is not known whether the call was carried out.`,
    { cause: error, details: { ...error.details, isUncertain: true } },
  );
}
