/**
 * How many requests one MLflow may be sent: at once, and in a second. Both halve when it refuses for load and come
 * back by equal steps (additive increase, multiplicative decrease, as TCP does). Pure: it is told the time.
 */

export interface BudgetLimits {
  /** Requests at once, at most; 1 or more. */
  readonly concurrency: number;
  /** Requests in a second, at most; 1 or more, and infinite where only the server's refusals limit them. */
  readonly perSecond: number;
}

/** What one who wants to send is told. `wait`: ask again after so long; `full`: once another request has ended. */
export type Turn =
  | { readonly kind: 'go'; readonly epoch: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'full' };

export interface RequestBudget {
  /** Counts a request as begun where it says `go`. */
  take(nowMs: number): Turn;
  /** A request that was let go has ended, whatever came of it. */
  end(): void;
  /**
   * A request was refused for load. True where this slowed down: requests that were under way together are one burst
   * and halve once, however many of them are refused. The pause that a server asks for holds for all.
   */
  refuse(refusal: {
    /** Of the turn of that request. */
    readonly epoch: number;
    readonly nowMs: number;
    /** What `Retry-After` asks for; null where it says nothing. */
    readonly pauseMs: number | null;
  }): boolean;
  /** What is allowed now; `concurrency` is whole. */
  allows(nowMs: number): BudgetLimits;
}

/** After a halving, what was before it is allowed again after so long. */
const recoveryMs = 10_000;
/** The rate is what was sent in this time. */
const observedMs = 1000;

/** Begins at `value`, and grows by `perMs` up to `maximum` from `sinceMs` on. */
interface Growth {
  readonly value: number;
  readonly perMs: number;
  readonly sinceMs: number;
}

export function createRequestBudget(maximum: BudgetLimits): RequestBudget {
  let concurrency: Growth = { value: maximum.concurrency, perMs: 0, sinceMs: 0 };
  let perSecond: Growth = { value: maximum.perSecond, perMs: 0, sinceMs: 0 };
  let inFlight = 0;
  let epoch = 0;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** When the next request would be due if all were sent at an even pace. */
  let dueMs = Number.NEGATIVE_INFINITY;
  const begun: number[] = [];

  const concurrencyAt = (nowMs: number): number =>
    Math.floor(toValue(concurrency, nowMs, maximum.concurrency));
  const perSecondAt = (nowMs: number): number => toValue(perSecond, nowMs, maximum.perSecond);
  const forgetBefore = (ms: number): void => {
    while (begun[0] !== undefined && begun[0] <= ms) begun.shift();
  };

  return {
    take(nowMs) {
      if (nowMs < pausedUntilMs) return { kind: 'wait', ms: pausedUntilMs - nowMs };
      const allowed = concurrencyAt(nowMs);
      if (inFlight >= allowed) return { kind: 'full' };
      const everyMs = 1000 / perSecondAt(nowMs);
      // As many as may be under way may also begin together; the pace is kept over them.
      const earliestMs = dueMs - (allowed - 1) * everyMs;
      if (nowMs < earliestMs) return { kind: 'wait', ms: earliestMs - nowMs };
      dueMs = Math.max(dueMs, nowMs) + everyMs;
      inFlight += 1;
      begun.push(nowMs);
      forgetBefore(nowMs - observedMs);
      return { kind: 'go', epoch };
    },

    end() {
      inFlight -= 1;
    },

    refuse(refusal) {
      const { nowMs } = refusal;
      if (refusal.pauseMs !== null)
        pausedUntilMs = Math.max(pausedUntilMs, nowMs + refusal.pauseMs);
      if (refusal.epoch !== epoch) return false;
      epoch += 1;
      forgetBefore(nowMs - observedMs);
      // A maximum that was never reached says nothing: what is halved is what was sent.
      const sent = Math.min(perSecondAt(nowMs), Math.max(begun.length, 1));
      const sinceMs = Math.max(nowMs, pausedUntilMs);
      concurrency = toHalf(toValue(concurrency, nowMs, maximum.concurrency), sinceMs);
      perSecond = toHalf(sent, sinceMs);
      dueMs = sinceMs;
      return true;
    },

    allows: (nowMs) => ({ concurrency: concurrencyAt(nowMs), perSecond: perSecondAt(nowMs) }),
  };
}

function toValue({ value, perMs, sinceMs }: Growth, nowMs: number, maximum: number): number {
  return Math.min(maximum, value + perMs * Math.max(0, nowMs - sinceMs));
}

/** Never below one: something must be sent to see that more is allowed again. */
function toHalf(before: number, sinceMs: number): Growth {
  return { value: Math.max(1, before / 2), perMs: before / 2 / recoveryMs, sinceMs };
}
