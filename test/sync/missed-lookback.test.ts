import { describe, expect, it } from 'vitest';
import { findMissedLookback } from '../../src/sync/missed-lookback.ts';

const hour = 3_600_000;
const day = 24 * hour;
const settings = { windowMs: day, settleMs: hour, lookbackMs: 3 * day };

/** The window of a day, last read at three in the morning of another. */
const window = (of: number, readOn: number) => ({
  from_ms: of * day,
  to_ms: (of + 1) * day,
  read_ms: readOn * day + 3 * hour,
});

describe('windows whose last reading was missed', () => {
  it('finds none while the worker runs every night', () => {
    // Day 96 was read on 97, 98 and 99, which was its last time.
    expect(findMissedLookback([window(96, 99), window(97, 99), window(98, 99)], settings)).toEqual([
      97 * day,
      98 * day,
    ]);
    // Those two are within the lookback anyway and will be read tonight.
  });

  it('finds the ones that fell out of the lookback while the worker was down', () => {
    // It last ran on day 99 and comes back on day 120.
    const windows = [window(95, 98), window(96, 99), window(97, 99), window(98, 99)];
    expect(findMissedLookback(windows, settings)).toEqual([97 * day, 98 * day]);
  });

  it('finds a window that failed on the last night of its lookback, for a week', () => {
    const failed = window(96, 98);
    const others = (readOn: number) => window(readOn - 1, readOn);
    expect(findMissedLookback([failed, others(99)], settings)).toContain(96 * day);
    expect(findMissedLookback([failed, others(105)], settings)).toContain(96 * day);
    expect(findMissedLookback([failed, others(107)], settings)).not.toContain(96 * day);
  });

  it('does not read all history again when the lookback is set longer', () => {
    const windows = Array.from({ length: 200 }, (_, of) => window(of, Math.min(of + 3, 200)));
    const found = findMissedLookback(windows, { ...settings, lookbackMs: 30 * day });
    expect(Math.min(...found)).toBeGreaterThan((200 - 30 - 8) * day);
  });

  it('finds none without a lookback', () => {
    expect(findMissedLookback([window(98, 99)], { ...settings, lookbackMs: 0 })).toEqual([]);
  });
});
