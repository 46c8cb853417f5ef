import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRequestBudget, type BudgetLimits } from '../../src/mlflow/request-budget.ts';

const anyLimits = fc.record({
  concurrency: fc.integer({ min: 1, max: 64 }),
  perSecond: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant(Infinity)),
});

/** What may happen: time passes and one wants to send, or one that is under way ends, refused or not. */
const anyEvents = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('take'), afterMs: fc.nat(300) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('end'), afterMs: fc.nat(300) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('refuse'),
        afterMs: fc.nat(300),
        pauseMs: fc.option(fc.nat(3000)),
      }),
    },
  ),
  { maxLength: 400 },
);

/** Sends as fast as the budget lets go until `untilMs`, each request ending at once; the times at which they began. */
function sendAll(
  budget: ReturnType<typeof createRequestBudget>,
  time: { readonly fromMs: number; readonly untilMs: number },
): number[] {
  const begun: number[] = [];
  for (let nowMs = time.fromMs; nowMs < time.untilMs;) {
    const turn = budget.take(nowMs);
    if (turn.kind === 'go') {
      begun.push(nowMs);
      budget.end();
    } else if (turn.kind === 'wait') nowMs += turn.ms;
    else throw new Error('full, with nothing under way');
  }
  return begun;
}

/** The most that began in any period of `ms`. */
function densest(begun: readonly number[], ms: number): number {
  let most = 0;
  let from = 0;
  begun.forEach((atMs, index) => {
    while ((begun[from] ?? atMs) <= atMs - ms) from += 1;
    most = Math.max(most, index - from + 1);
  });
  return most;
}

function isWithin(allowed: BudgetLimits, limits: BudgetLimits): boolean {
  return (['concurrency', 'perSecond'] as const).every(
    (name) => allowed[name] >= 1 && allowed[name] <= limits[name],
  );
}

function takeMany(budget: ReturnType<typeof createRequestBudget>, nowMs: number): number[] {
  const epochs: number[] = [];
  for (;;) {
    const turn = budget.take(nowMs);
    if (turn.kind !== 'go') return epochs;
    epochs.push(turn.epoch);
  }
}

describe('a request budget', () => {
  test('whatever happens, no more are under way or begun than allowed, and none in a pause', () => {
    fc.assert(
      fc.property(anyLimits, anyEvents, (limits, events) => {
        const budget = createRequestBudget(limits);
        const underWay: number[] = [];
        const begun: number[] = [];
        const broken: string[] = [];
        let nowMs = 0;
        let pausedUntilMs = 0;
        const take = (allowed: BudgetLimits): void => {
          const turn = budget.take(nowMs);
          if (turn.kind === 'full' && underWay.length === 0) broken.push('full of nothing');
          if (turn.kind !== 'go') return;
          underWay.push(turn.epoch);
          begun.push(nowMs);
          if (underWay.length > allowed.concurrency) broken.push('too many at once');
          if (nowMs < pausedUntilMs) broken.push('in a pause');
        };
        for (const event of events) {
          nowMs += event.afterMs;
          const allowed = budget.allows(nowMs);
          if (!isWithin(allowed, limits)) broken.push('out of its limits');
          if (event.kind === 'take') take(allowed);
          else {
            const epoch = underWay.shift();
            if (epoch === undefined) continue;
            if ('pauseMs' in event) {
              budget.refuse({ epoch, nowMs, pauseMs: event.pauseMs });
              pausedUntilMs = Math.max(pausedUntilMs, nowMs + (event.pauseMs ?? 0));
            }
            budget.end();
          }
        }
        expect(broken).toEqual([]);
        expect(densest(begun, 1000)).toBeLessThanOrEqual(limits.concurrency + limits.perSecond);
      }),
    );
  });

  test('one who waits as long as told gets through', () => {
    fc.assert(
      fc.property(anyLimits, fc.option(fc.nat(5000)), (limits, pauseMs) => {
        const budget = createRequestBudget(limits);
        const [epoch = -1] = takeMany(budget, 0);
        budget.refuse({ epoch, nowMs: 0, pauseMs });
        for (let i = 0; i < limits.concurrency; i += 1) budget.end();
        const begun = sendAll(budget, { fromMs: 0, untilMs: 8000 });
        expect(begun[0]).toBe(pauseMs ?? 0);
        expect(begun.length).toBeGreaterThanOrEqual(3);
      }),
    );
  });

  test('a burst of refusals halves once, and one that began after it halves again', () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        const budget = createRequestBudget(limits);
        const epochs = takeMany(budget, 0);
        const slowed = epochs.map((epoch) => budget.refuse({ epoch, nowMs: 0, pauseMs: null }));
        expect(slowed.filter(Boolean)).toHaveLength(1);
        const half = Math.max(1, Math.floor(limits.concurrency / 2));
        expect(budget.allows(0).concurrency).toBe(half);
        epochs.forEach(() => budget.end());

        const [next = -1] = takeMany(budget, 0);
        expect(budget.refuse({ epoch: next, nowMs: 0, pauseMs: null })).toBe(true);
        expect(budget.allows(0).concurrency).toBe(
          Math.max(1, Math.floor(Math.max(1, limits.concurrency / 2) / 2)),
        );
      }),
    );
  });

  test('it comes back by equal steps, to what it was after ten seconds and to its maximum in the end', () => {
    fc.assert(
      fc.property(anyLimits, fc.integer({ min: 1, max: 6 }), (limits, times) => {
        const budget = createRequestBudget(limits);
        let before: BudgetLimits = limits;
        for (let i = 0; i < times; i += 1) {
          before = budget.allows(0);
          const epochs = takeMany(budget, 0);
          budget.refuse({ epoch: epochs[0] ?? -1, nowMs: 0, pauseMs: null });
          epochs.forEach(() => budget.end());
        }
        const course = Array.from({ length: 101 }, (_, step) => budget.allows(step * 10_000));
        for (const name of ['concurrency', 'perSecond'] as const) {
          const values = course.map((allowed) => allowed[name]);
          expect(values).toEqual(values.toSorted((a, b) => a - b));
        }
        // By floating point it may come a hair late.
        expect(budget.allows(10_001).concurrency).toBeGreaterThanOrEqual(before.concurrency);
        expect(course.at(-1)?.concurrency).toBe(limits.concurrency);
      }),
    );
  });

  test('the rate that is halved is the one that was sent, not one that was never reached', () => {
    const limits: BudgetLimits = { concurrency: 1, perSecond: 1000 };
    const budget = createRequestBudget(limits);
    let epoch = -1;
    for (let nowMs = 0; nowMs < 2000; nowMs += 50) {
      const turn = budget.take(nowMs);
      if (turn.kind === 'go') ({ epoch } = turn);
      budget.end();
    }
    budget.refuse({ epoch, nowMs: 1999, pauseMs: null });
    expect(budget.allows(1999).perSecond).toBe(10);
    const begun = sendAll(budget, { fromMs: 2000, untilMs: 3000 });
    expect(begun.length).toBeGreaterThanOrEqual(10);
    expect(begun.length).toBeLessThanOrEqual(12);
  });
});
