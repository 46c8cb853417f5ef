import { expect, it } from 'vitest';
import { createPageLimit } from '../../src/langfuse/page-limit.ts';

const page = { rows: 10, bytes: 1000 };

it('grows back by doubling, but tries a size that failed only after many pages', () => {
  const limit = createPageLimit({ start: 100, max: 100 });
  limit.shrinkTo(50);
  limit.shrinkTo(25);
  expect(limit.limit).toBe(25);
  for (let i = 0; i < 31; i++) limit.onPage(page);
  expect(limit.limit).toBe(25);
  limit.onPage(page);
  expect(limit.limit).toBe(50);
});

it('after a row that was passed over, is back at once', () => {
  const limit = createPageLimit({ start: 800, max: 800 });
  for (const smaller of [400, 200, 100, 50, 25, 12, 6, 3, 1]) limit.shrinkTo(smaller);
  limit.onSkip();
  expect(limit.limit).toBe(100);
  for (let i = 0; i < 6; i++) limit.onPage(page);
  expect(limit.limit).toBe(800);
});

it('follows the bytes of answers down at once and up when they are small', () => {
  const limit = createPageLimit({ start: 100, max: 1000, targetBytes: 1_000_000 });
  limit.onPage({ rows: 100, bytes: 4_000_000 });
  expect(limit.limit).toBe(25);
  limit.onPage({ rows: 25, bytes: 900_000 });
  limit.onPage({ rows: 25, bytes: 900_000 });
  expect(limit.limit).toBe(25);
  limit.onPage({ rows: 25, bytes: 100_000 });
  expect(limit.limit).toBe(50);
  limit.onPage({ rows: 1, bytes: 50_000_000 });
  expect(limit.limit).toBe(1);
});
