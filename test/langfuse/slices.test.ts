import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halve, planSlices, toSmaller } from '../../src/langfuse/slices.ts';
import { dayMs, minuteMs, type Interval } from '../../src/shared/time.ts';
import { anInterval } from './project.ts';

const interval = fc
  .tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 40 * dayMs }))
  .map(([fromMs, lengthMs]) => anInterval(fromMs, fromMs + lengthMs));

/** Why the parts don't tile the whole, or null where they do. */
function toTilingFault(whole: Interval, parts: readonly Interval[]): string | null {
  const edges = [whole.fromMs, ...parts.map((part) => part.toMs)];
  if (parts[0]?.fromMs !== whole.fromMs || parts.at(-1)?.toMs !== whole.toMs) return 'ends differ';
  if (parts.some((part, index) => part.fromMs !== edges[index])) return 'gap or overlap';
  if (parts.some((part) => part.fromMs >= part.toMs)) return 'empty part';
  return edges.every(Number.isSafeInteger) ? null : 'edge within a millisecond';
}

describe('planSlices', () => {
  it('tiles the interval with at most that many slices, inner edges on whole minutes', () => {
    fc.assert(
      fc.property(interval, fc.integer({ min: 1, max: 64 }), (whole, count) => {
        const parts = planSlices(whole, count);
        expect(toTilingFault(whole, parts)).toBeNull();
        expect(parts.length).toBeLessThanOrEqual(count);
        for (const part of parts.slice(1)) expect(part.fromMs % minuteMs).toBe(0);
      }),
    );
  });

  it('cuts a day for six readers into six', () => {
    expect(planSlices(anInterval(0, dayMs), 6)).toHaveLength(6);
  });

  it('does not cut below a minute', () => {
    expect(planSlices(anInterval(10, 30_000), 8)).toHaveLength(1);
  });
});

describe('toSmaller', () => {
  it('halves tile what they halve', () => {
    fc.assert(
      fc.property(interval, (whole) => {
        fc.pre(whole.toMs - whole.fromMs > 1);
        expect(toTilingFault(whole, halve(whole) ?? [])).toBeNull();
      }),
    );
    expect(halve(anInterval(7, 8))).toBeNull();
  });

  it('always ends at one row of one millisecond, page first, then slice, then page', () => {
    fc.assert(
      fc.property(interval, fc.integer({ min: 1, max: 1000 }), (whole, start) => {
        const floor = Math.max(1, Math.floor(start / 8));
        let ask = { interval: whole, limit: start };
        const kinds: string[] = [];
        for (let step = 0; step < 100; step++) {
          const smaller = toSmaller({ ...ask, floor });
          kinds.push(smaller.kind);
          if (smaller.kind === 'bottom') break;
          ask =
            smaller.kind === 'limit'
              ? { ...ask, limit: smaller.limit }
              : { ...ask, interval: smaller.halves[0] };
        }
        expect(kinds.at(-1)).toBe('bottom');
        expect(ask.limit).toBe(1);
        expect(ask.interval.toMs - ask.interval.fromMs).toBe(1);
        expect(kinds.join(' ')).toMatch(/^(limit )*(halves )*(limit )*bottom$/);
      }),
    );
  });
});
