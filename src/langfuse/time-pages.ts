/**
 * Reads an interval of the endpoints that page by number, newest first: `/observations`, `/traces`, `/v2/scores`
 * and `/scores` (all `time DESC` without a tiebreak, by OFFSET, over-counting `totalItems`: langfuse/langfuse#14182).
 *
 * An OFFSET into rows that others insert and delete gives rows twice and leaves rows out, and so does an unstable
 * order of equal times. So page 2 is never asked for. After each page the end of the interval moves down to the
 * oldest time read, and page 1 is asked for again: to just behind that millisecond while the page was full (rows of
 * the same millisecond may follow; those read already repeat), else to the millisecond itself, until a page is empty.
 *
 * Only where one millisecond fills a page are its pages numbered. It is then read over and over until a pass has no
 * row twice and none that an earlier pass had not: with a row left out there would be one too many of another.
 */
import { AppError } from '../shared/errors.ts';
import { toInstant, toIso, type Interval } from '../shared/time.ts';
import type { UnreadableRow } from '../sync/ports.ts';
import { createBottomGuard, type BottomGuard } from './bottom-guard.ts';
import { toShrinkNotice } from './cursor-pages.ts';
import type { PageAnswer, PageAsk, RawPage } from './page-answer.ts';
import type { PageLimit } from './page-limit.ts';
import { isInside, toSmaller } from './slices.ts';
import type { SourceNotice } from './source-settings.ts';
import { rowNameSchema } from './wire-schemas.ts';

export interface TimeReading {
  /** `GET /api/public/observations`. */
  readonly name: string;
  readonly interval: Interval;
  readonly pageLimit: PageLimit;
  /** `page` counts from 1. */
  readonly ask: (ask: PageAsk & { readonly page: number }) => Promise<PageAnswer>;
  readonly onNotice: (notice: SourceNotice) => void;
}

export async function* readByTime(reading: TimeReading): AsyncGenerator<RawPage, void, undefined> {
  const pending: Interval[] = [reading.interval];
  const guard = createBottomGuard(reading.name);
  for (let slice = pending.pop(); slice !== undefined; slice = pending.pop()) {
    yield* readSlice(reading, { slice, pending, guard });
  }
}

async function* readSlice(
  reading: TimeReading,
  at: { readonly slice: Interval; readonly pending: Interval[]; readonly guard: BottomGuard },
): AsyncGenerator<RawPage, void, undefined> {
  const { pageLimit } = reading;
  const { pending, guard } = at;
  let rest: Interval = at.slice;
  while (rest.toMs > rest.fromMs) {
    const { limit } = pageLimit;
    const answer = await reading.ask({ interval: rest, limit, page: 1 });
    if (answer.kind === 'too_large') {
      reading.onNotice(toShrinkNotice(reading, { slice: rest, limit, reason: answer.reason }));
      const smaller = toSmaller({ interval: rest, limit, floor: pageLimit.floor });
      if (smaller.kind === 'limit') {
        pageLimit.shrinkTo(smaller.limit);
        continue;
      }
      if (smaller.kind === 'halves') pending.push(...smaller.halves);
      else yield* readMillisecond(reading, { millisecond: rest, limit: 1, guard });
      return;
    }
    guard.onAnswer();
    if (answer.rows.length === 0) return;
    pageLimit.onPage({ rows: answer.rows.length, bytes: answer.bytes });
    yield { rows: answer.rows, unreadable: [] };

    const isFull = answer.rows.length >= (answer.limit ?? limit);
    const oldestMs = toOldestMs(reading, { rows: answer.rows, asked: rest, isFull });
    if (oldestMs === null) return;
    if (isFull && oldestMs + 1 === rest.toMs) {
      yield* readMillisecond(reading, { millisecond: toMillisecond(oldestMs), limit, guard });
      rest = { fromMs: rest.fromMs, toMs: toInstant(oldestMs) };
    } else {
      rest = { fromMs: rest.fromMs, toMs: toInstant(isFull ? oldestMs + 1 : oldestMs) };
    }
  }
}

/**
 * The oldest time on a page; null where nothing can follow: it lies before the interval, or the page is not full and
 * none of its rows has a time (rows that are not understood). Throws where the page can't be one of the interval.
 */
function toOldestMs(
  reading: TimeReading,
  page: { readonly rows: readonly unknown[]; readonly asked: Interval; readonly isFull: boolean },
): number | null {
  const times = page.rows.map(toRowMs).filter((rowMs) => rowMs !== null);
  if (times.length === 0) {
    if (!page.isFull) return null;
    throw new AppError('LANGFUSE_UNEXPECTED', `${reading.name} gave a page of rows without a time`);
  }
  const oldestMs = Math.min(...times);
  if (oldestMs < page.asked.fromMs) return null;
  if (isInside(page.asked, oldestMs)) return oldestMs;
  throw new AppError(
    'LANGFUSE_UNEXPECTED',
    `${reading.name} gave rows of ${toIso(oldestMs)} when asked for those before ${toIso(page.asked.toMs)}`,
  );
}

const maxPasses = 8;
const maxFailuresInARow = 3;

/**
 * Numbered pages of one millisecond, in passes (see above). Where a page can't be answered the passes go on row by
 * row: a row that can't be read even so is reported by its place, and the next is read.
 */
async function* readMillisecond(
  reading: TimeReading,
  start: { readonly millisecond: Interval; readonly limit: number; readonly guard: BottomGuard },
): AsyncGenerator<RawPage, void, undefined> {
  const { millisecond, guard } = start;
  const known = new Set<string>();
  let { limit } = start;
  for (let pass = 1; pass <= maxPasses; pass++) {
    const inThisPass = new Set<string>();
    const unreadable: UnreadableRow[] = [];
    const knownBefore = known.size;
    let rowsRead = 0;
    let failuresInARow = 0;
    for (let page = 1; failuresInARow < maxFailuresInARow; page++) {
      const answer = await reading.ask({ interval: millisecond, limit, page });
      if (answer.kind === 'too_large') {
        if (limit > 1) {
          limit = 1;
          page = 0;
          rowsRead = 0;
          inThisPass.clear();
          continue;
        }
        failuresInARow += 1;
        unreadable.push(toNameless({ millisecond, page, reason: answer.reason }));
        continue;
      }
      guard.onAnswer();
      if (answer.rows.length === 0) break;
      failuresInARow = 0;
      yield { rows: answer.rows, unreadable: [] };
      rowsRead += answer.rows.length;
      for (const row of answer.rows) inThisPass.add(toRowKey(row));
    }
    for (const key of inThisPass) known.add(key);
    if (inThisPass.size === rowsRead && known.size === knownBefore) {
      for (const row of unreadable) guard.onBottom(row.reason);
      if (unreadable.length > 0) {
        reading.pageLimit.onSkip();
        yield { rows: [], unreadable };
      }
      return;
    }
  }
  throw new AppError(
    'LANGFUSE_UNEXPECTED',
    `${reading.name} gave other rows in each of ${maxPasses} passes over ${toIso(millisecond.fromMs)}; run again when fewer rows are being written`,
  );
}

function toNameless(row: { millisecond: Interval; page: number; reason: string }): UnreadableRow {
  return {
    traceId: null,
    id: null,
    startMs: row.millisecond.fromMs,
    reason: `row ${row.page} of this millisecond can't be read even alone: ${row.reason}`,
    raw: null,
  };
}

function toMillisecond(fromMs: number): Interval {
  return { fromMs: toInstant(fromMs), toMs: toInstant(fromMs + 1) };
}

function toRowMs(row: unknown): number | null {
  const named = rowNameSchema.safeParse(row);
  return named.success ? (named.data.startTime ?? named.data.timestamp) : null;
}

function toRowKey(row: unknown): string {
  const named = rowNameSchema.safeParse(row);
  return named.success
    ? `${named.data.traceId ?? ''}\n${named.data.id ?? ''}`
    : JSON.stringify(row);
}
