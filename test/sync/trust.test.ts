import { describe, expect, it } from 'vitest';
import { toInstant } from '../../src/shared/time.ts';
import { startDeadline } from '../../src/sync/deadline.ts';
import { findSuspiciouslyEmpty } from '../../src/sync/empty-windows.ts';
import { toTrustedNow } from '../../src/sync/trusted-now.ts';

const day = 86_400_000;

function windows(...rows: number[]): { from_ms: number; to_ms: number; rows_read: number }[] {
  return rows.map((rows_read, n) => ({ from_ms: n * day, to_ms: (n + 1) * day, rows_read }));
}

describe('the trusted clock', () => {
  const localMs = toInstant(1_000_000);

  it('is the earlier of both', () => {
    expect(toTrustedNow({ localMs, skewMs: -5000.7 })).toBe(995_000);
    expect(toTrustedNow({ localMs, skewMs: 5000 })).toBe(1_000_000);
    expect(toTrustedNow({ localMs, skewMs: null })).toBe(1_000_000);
  });
});

describe('empty windows', () => {
  const emptyDays = (rows: readonly number[], nowMs = 10 * day): number[] =>
    findSuspiciouslyEmpty(windows(...rows), nowMs).map((row) => row.from_ms / day);

  it('is suspicious between busy neighbours, and as the newest after a busy one', () => {
    expect(emptyDays([500, 0, 400])).toEqual([1]);
    expect(emptyDays([500, 0])).toEqual([1]);
  });

  it('is not at a weekend, at the start, or among quiet windows', () => {
    expect(emptyDays([500, 0, 0, 400])).toEqual([]);
    expect(emptyDays([0, 500])).toEqual([]);
    expect(emptyDays([3, 0, 500])).toEqual([]);
  });

  it('is suspicious while its newer neighbour was not read', () => {
    const [first, second, , fourth] = windows(500, 0, 1, 1);
    const rows = [first, second, fourth].filter((row) => row !== undefined);
    expect(findSuspiciouslyEmpty(rows, 10 * day)).toHaveLength(1);
  });

  it('is given up after a month', () => {
    expect(emptyDays([500, 0, 400], 40 * day)).toEqual([]);
  });
});

describe('the deadline of a run', () => {
  it('aborts with the exit code of a run that is behind', async () => {
    using deadline = startDeadline(5);
    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve));
    expect(deadline.signal.reason).toMatchObject({ code: 'OUT_OF_TIME', exitCode: 3 });
  });

  it('never comes when none is set', () => {
    using deadline = startDeadline(null);
    expect(deadline.signal.aborted).toBe(false);
  });
});
