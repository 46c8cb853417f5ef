import { expect, test } from 'vitest';
import { dayMs, toInstant } from '../../src/shared/time.ts';
import { estimateBackfill } from '../../src/sync/estimate-backfill.ts';

const fromMs = Date.UTC(2026, 0, 1);
const windows = [0, 1].map((day) => ({
  fromMs: toInstant(fromMs + day * dayMs),
  toMs: toInstant(fromMs + (day + 1) * dayMs),
}));
const count = (
  day: number,
  fields: { readonly type: string; readonly model: string | null; readonly rows: number },
) => ({ bucketMs: fromMs + day * dayMs, totalTokens: null, costUsd: null, ...fields });

test('pages of rows, pages of texts and scores for each window; runs of windows and of their models', () => {
  const estimate = estimateBackfill({
    windows,
    reader: 'v2',
    pageSize: 1000,
    slices: 12,
    readsText: true,
    counts: [
      count(0, { type: 'GENERATION', model: 'a', rows: 1500 }),
      count(0, { type: 'GENERATION', model: 'b', rows: 1 }),
      count(0, { type: 'SPAN', model: null, rows: 600 }),
      // Of a day that is not asked for.
      count(2, { type: 'GENERATION', model: 'a', rows: 9999 }),
    ],
  });
  expect(estimate).toEqual({
    windows: 2,
    rows: 2101,
    generations: 1501,
    // 12 slices and 2 more pages, 13 and 1 more of texts, 1 of scores; the empty day: 12 slices, 1 of scores.
    langfuseRequests: 14 + 14 + 1 + 12 + 1,
    mlflowCalls: 2 * 12 + 2 * 9,
    durations: [
      { requestsPerMinute: 30, minutes: 2 },
      { requestsPerMinute: 100, minutes: 1 },
      { requestsPerMinute: 1000, minutes: 1 },
    ],
  });
});

test('a server that does not count leaves unknown what is unknown', () => {
  const estimate = estimateBackfill({
    windows,
    reader: 'legacy',
    pageSize: 1000,
    slices: 12,
    readsText: true,
    counts: null,
  });
  expect(estimate).toMatchObject({ rows: null, generations: null, mlflowCalls: null });
  expect(estimate.langfuseRequests).toBe(2 * (2 * 24 + 1));
});
