import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toInstant, type Interval } from '../../src/shared/time.ts';
import { planBackfill, planSync, settledEnd } from '../../src/sync/plan-windows.ts';
import {
  alignDown,
  alignUp,
  findHoles,
  splitIntoWindows,
  toWatermark,
} from '../../src/sync/windows.ts';

const hour = 3_600_000;
const day = 24 * hour;
const size = fc.constantFrom(hour, 6 * hour, day);
const instant = fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2030, 0, 1) });

describe('window algebra', () => {
  it('splits a range into windows that touch, do not overlap and cover it', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 60 }), size, (from, count, windowMs) => {
        const fromMs = alignDown(from, windowMs);
        const windows = splitIntoWindows({ fromMs, toMs: fromMs + count * windowMs, windowMs });
        expect(windows).toHaveLength(count);
        let edge: number = fromMs;
        for (const window of windows) {
          expect(window.fromMs).toBe(edge);
          expect(window.toMs - window.fromMs).toBe(windowMs);
          edge = window.toMs;
        }
      }),
    );
  });

  it('aligns down and up around an instant', () => {
    fc.assert(
      fc.property(instant, size, (ms, windowMs) => {
        const down = alignDown(ms, windowMs);
        const up = alignUp(ms, windowMs);
        expect(down).toBeLessThanOrEqual(ms);
        expect(up).toBeGreaterThanOrEqual(ms);
        expect(up - down).toBe(ms % windowMs === 0 ? 0 : windowMs);
      }),
    );
  });

  it('never lets the watermark pass a hole, whatever the order of windows', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]), (finished) => {
        const windows: Interval[] = finished.map((n) => ({
          fromMs: toInstant(n * day),
          toMs: toInstant((n + 1) * day),
        }));
        const watermark = toWatermark(0, windows);
        const firstMissing = [0, 1, 2, 3, 4, 5, 6, 7].find((n) => !finished.includes(n)) ?? 8;
        expect(watermark).toBe(firstMissing * day);
        const holes = findHoles({ startMs: 0, windowMs: day, finished: windows });
        const last = finished.length === 0 ? 0 : Math.max(...finished);
        expect(holes.map((hole) => hole.fromMs / day)).toEqual(
          [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => n < last && !finished.includes(n)),
        );
      }),
    );
  });
});

describe('planning a sync', () => {
  const nowMs = toInstant(Date.UTC(2026, 10, 24, 2, 30));
  const times = { nowMs, windowMs: day, settleMs: 30 * 60_000 };

  it('reads a window only when it ended a settle ago', () => {
    expect(settledEnd(times)).toBe(Date.UTC(2026, 10, 24));
    expect(settledEnd({ ...times, settleMs: 3 * hour })).toBe(Date.UTC(2026, 10, 23));
  });

  it('reads what was never read, holes too, the lookback again, and what must be read again wherever it lies', () => {
    const d = (n: number): number => Date.UTC(2026, 10, n);
    const plan = planSync({
      ...times,
      startMs: d(18),
      lookbackMs: 2 * day,
      read: new Set([d(18), d(20), d(21), d(22), d(10)]),
      again: new Set([d(10), d(18)]),
    });
    expect(plan.map((one) => [new Date(one.interval.fromMs).getUTCDate(), one.reason])).toEqual([
      [10, 'again'],
      [18, 'again'],
      [19, 'new'],
      [22, 'lookback'],
      [23, 'new'],
    ]);
  });

  it('plans nothing when nothing has settled yet', () => {
    expect(
      planSync({ ...times, startMs: nowMs, lookbackMs: 0, read: new Set(), again: new Set() }),
    ).toEqual([]);
  });

  it('widens a backfill to whole windows and ends it where windows have settled', () => {
    const plan = planBackfill({
      ...times,
      fromMs: Date.UTC(2026, 10, 21, 5),
      toMs: Date.UTC(2027, 0, 1),
    });
    expect(plan.map((one) => new Date(one.interval.fromMs).getUTCDate())).toEqual([21, 22, 23]);
  });

  it('refuses a backfill of nothing and of the future', () => {
    const usage = expect.objectContaining({ code: 'USAGE' }) as Error;
    expect(() => planBackfill({ ...times, fromMs: nowMs, toMs: nowMs })).toThrow(usage);
    expect(() => planBackfill({ ...times, fromMs: nowMs, toMs: nowMs + 10 * day })).toThrow(usage);
  });
});
