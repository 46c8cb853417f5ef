/** The one way to an MLflow: holds each request back until its budget lets it go, in the order in which they came. */
import pLimit from 'p-limit';
import type { Clock } from '../shared/clock.ts';
import { createRequestBudget, type BudgetLimits } from './request-budget.ts';

export interface RequestGate {
  /** Sends when it may. Rejects with the signal's reason when aborted, and as `send` does. */
  pass<T>(send: (turn: Passage) => Promise<T>): Promise<T>;
}

export interface Passage {
  /** Told of a refusal for load, before the request ends. `pauseMs`: what the server asks for. */
  refused(pauseMs: number | null): void;
}

/** `onSlowed` is told what is allowed from now on, each time that it was halved. */
export function createRequestGate(parts: {
  readonly limits: BudgetLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly onSlowed: (allowed: BudgetLimits) => void;
}): RequestGate {
  const { clock, signal } = parts;
  const budget = createRequestBudget(parts.limits);
  const inTurn = pLimit(1);
  let onEnd: (() => void) | null = null;

  async function enter(): Promise<number> {
    for (;;) {
      signal?.throwIfAborted();
      const turn = budget.take(clock.now());
      if (turn.kind === 'go') return turn.epoch;
      if (turn.kind === 'wait') await clock.sleep(Math.ceil(turn.ms), signal);
      else
        await new Promise<void>((resolve) => {
          onEnd = resolve;
        });
    }
  }

  return {
    async pass(send) {
      const epoch = await inTurn(enter);
      try {
        return await send({
          refused(pauseMs) {
            const nowMs = clock.now();
            if (budget.refuse({ epoch, nowMs, pauseMs })) parts.onSlowed(budget.allows(nowMs));
          },
        });
      } finally {
        budget.end();
        onEnd?.();
      }
    },
  };
}
