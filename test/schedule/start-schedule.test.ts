/** Days and weeks of a schedule, with node-cron's own timers and a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  startSchedule,
  type Schedule,
  type ScheduleParts,
  type Start,
} from '../../src/schedule/start-schedule.ts';
import { findMissedStart } from '../../src/schedule/missed-start.ts';
import { parseCrontab } from '../../src/shared/crontab.ts';
import { hourMs, minuteMs, toInstant, toIso } from '../../src/shared/time.ts';

const at = (text: string): ReturnType<typeof toInstant> => toInstant(Date.parse(text));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function begin(
  nowText: string,
  parts: Partial<Omit<ScheduleParts, 'lines'>> & {
    readonly cron?: string;
    readonly takesMs?: number;
  } = {},
): { schedule: Schedule; starts: string[]; notices: string[] } {
  vi.setSystemTime(at(nowText));
  const starts: string[] = [];
  const notices: string[] = [];
  const schedule = startSchedule({
    timezone: 'UTC',
    jitterMs: 0,
    lastStartMs: null,
    nowMs: at(nowText),
    run: async (start: Start) => {
      starts.push(`${start.reason} ${toIso(start.dueMs)}`);
      await new Promise((resolve) => {
        setTimeout(resolve, parts.takesMs ?? 1000);
      });
    },
    onNotice: (message) => notices.push(message),
    ...parts,
    lines: parseCrontab(parts.cron ?? '30 2 * * *'),
  });
  return { schedule, starts, notices };
}

test('three nights, three starts, each at its time', async () => {
  const { schedule, starts } = begin('2026-03-10T12:00:00Z');
  expect(toIso(schedule.nextMs() ?? 0)).toBe('2026-03-11T02:30:00.000Z');
  await vi.advanceTimersByTimeAsync(3 * 24 * hourMs);
  expect(starts).toEqual([
    'due 2026-03-11T02:30:00.000Z',
    'due 2026-03-12T02:30:00.000Z',
    'due 2026-03-13T02:30:00.000Z',
  ]);
  await schedule[Symbol.asyncDispose]();
  expect(schedule.nextMs()).toBeNull();
});

test('in its own time zone, over the change to summer time', async () => {
  const { schedule, starts } = begin('2026-03-28T12:00:00Z', {
    timezone: 'Europe/Berlin',
    cron: '0 4 * * *',
  });
  await vi.advanceTimersByTimeAsync(2 * 24 * hourMs);
  expect(starts).toEqual(['due 2026-03-29T02:00:00.000Z', 'due 2026-03-30T02:00:00.000Z']);
  await schedule[Symbol.asyncDispose]();
});

test('runs never overlap: a start that is due meanwhile is left out, and told', async () => {
  const { schedule, starts, notices } = begin('2026-03-10T00:00:30Z', {
    cron: '* * * * *',
    takesMs: 2.5 * minuteMs,
  });
  await vi.advanceTimersByTimeAsync(3 * minuteMs);
  expect(starts).toEqual(['due 2026-03-10T00:01:00.000Z']);
  expect(schedule.skipped()).toBe(2);
  expect(notices[0]).toContain('2026-03-10T00:02:00.000Z is left out');
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(starts).toHaveLength(2);
  const stopping = schedule[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(5 * minuteMs);
  await stopping;
});

describe('a missed start', () => {
  test('is caught up with once, at once, however many were missed', async () => {
    const { schedule, starts } = begin('2026-03-13T08:00:00Z', {
      lastStartMs: at('2026-03-10T02:30:00.100Z'),
    });
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(starts).toEqual(['missed 2026-03-13T02:30:00.000Z']);
    await vi.advanceTimersByTimeAsync(24 * hourMs);
    expect(starts).toEqual(['missed 2026-03-13T02:30:00.000Z', 'due 2026-03-14T02:30:00.000Z']);
    await schedule[Symbol.asyncDispose]();
  });

  test('is none where the last start was that of the schedule, or nothing was ever started', async () => {
    for (const lastStartMs of [at('2026-03-13T02:30:00.100Z'), null]) {
      const { schedule, starts } = begin('2026-03-13T08:00:00Z', { lastStartMs });
      await vi.advanceTimersByTimeAsync(hourMs);
      expect(starts).toEqual([]);
      await schedule[Symbol.asyncDispose]();
    }
  });

  test('counts in the time zone of the schedule', async () => {
    // 02:30 in Auckland is 13:30 UTC of the day before.
    const { schedule, starts } = begin('2026-03-13T14:00:00Z', {
      timezone: 'Pacific/Auckland',
      lastStartMs: at('2026-03-12T13:30:00.100Z'),
    });
    expect(starts).toEqual(['missed 2026-03-13T13:30:00.000Z']);
    const stopping = schedule[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(hourMs);
    await stopping;
  });

  test('of a machine that slept is caught up with when it wakes', async () => {
    const { schedule, starts } = begin('2026-03-10T02:00:00Z');
    vi.setSystemTime(at('2026-03-10T07:00:00Z'));
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(starts).toEqual(['missed 2026-03-10T02:30:00.000Z']);
    await schedule[Symbol.asyncDispose]();
  });

  test('of a line that is due once a year is looked for around its day alone', () => {
    let looks = 0;
    const missedMs = findMissedStart({
      lines: parseCrontab('@yearly'),
      lastStartMs: at('2025-12-01T00:00:00Z'),
      nowMs: at('2026-12-30T00:00:00Z'),
      matches: (_, minute) => {
        looks += 1;
        return minute === at('2026-01-01T00:00:00Z');
      },
    });
    expect(missedMs).toBe(at('2026-01-01T00:00:00Z'));
    expect(looks).toBeLessThan(3 * 24 * 60);
  });
});

test('jitter delays a start, and never by more than it says', async () => {
  const { schedule, starts } = begin('2026-03-10T02:29:00Z', { jitterMs: 10 * minuteMs });
  await vi.advanceTimersByTimeAsync(12 * minuteMs);
  expect(starts).toEqual(['due 2026-03-10T02:30:00.000Z']);
  await schedule[Symbol.asyncDispose]();
});

test('two lines that are due at the same minute are one start', async () => {
  const { schedule, starts } = begin('2026-03-10T02:29:00Z', { cron: '30 2 * * *\n*/30 2 * * *' });
  await vi.advanceTimersByTimeAsync(10 * minuteMs);
  expect(starts).toHaveLength(1);
  expect(schedule.skipped()).toBe(0);
  await schedule[Symbol.asyncDispose]();
});

test('disposing waits for the run that goes on, and starts nothing any more', async () => {
  const { schedule, starts } = begin('2026-03-10T02:29:30Z', { takesMs: 5 * minuteMs });
  await vi.advanceTimersByTimeAsync(minuteMs);
  let isDone = false;
  const stop = async (): Promise<void> => {
    await schedule[Symbol.asyncDispose]();
    isDone = true;
  };
  const stopping = stop();
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(isDone).toBe(false);
  await vi.advanceTimersByTimeAsync(24 * hourMs);
  await stopping;
  expect(starts).toHaveLength(1);
});
