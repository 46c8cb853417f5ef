/**
 * Reads an interval by cursor: `/v2/observations` and `/v3/scores`.
 *
 * The order of both is total, so pages are stable under inserts. The end is an absent cursor, never a short or an
 * empty page (langfuse/langfuse#11879). The cursor holds a position only, so each request repeats all parameters; it
 * stays valid when the limit changes.
 */
import { AppError } from '../shared/errors.ts';
import type { Interval } from '../shared/time.ts';
import type { UnreadableRow } from '../sync/ports.ts';
import { createBottomGuard, type BottomGuard } from './bottom-guard.ts';
import type { PageAnswer, PageAsk, RawPage } from './page-answer.ts';
import type { PageLimit } from './page-limit.ts';
import { toSmaller } from './slices.ts';
import type { SourceNotice } from './source-settings.ts';
import { toUnreadable } from './to-unreadable.ts';

export interface CursorReading {
  /** `GET /api/public/v2/observations`. */
  readonly name: string;
  readonly interval: Interval;
  readonly pageLimit: PageLimit;
  readonly ask: (ask: PageAsk & { readonly cursor: string | null }) => Promise<PageAnswer>;
  /** The same, for no more than the fields that name a row. */
  readonly askNames: (ask: PageAsk & { readonly cursor: string | null }) => Promise<PageAnswer>;
  readonly onNotice: (notice: SourceNotice) => void;
}

export async function* readByCursor(
  reading: CursorReading,
): AsyncGenerator<RawPage, void, undefined> {
  const pending: Interval[] = [reading.interval];
  const guard = createBottomGuard(reading.name);
  for (let slice = pending.pop(); slice !== undefined; slice = pending.pop()) {
    yield* readSlice(reading, { slice, pending, guard });
  }
}

/** Reads one slice; where it must be halved, leaves the halves in `pending` (rows already delivered repeat). */
async function* readSlice(
  reading: CursorReading,
  at: { readonly slice: Interval; readonly pending: Interval[]; readonly guard: BottomGuard },
): AsyncGenerator<RawPage, void, undefined> {
  const { pageLimit } = reading;
  const { slice, pending, guard } = at;
  const seen = new Set<string>();
  let cursor: string | null = null;
  for (;;) {
    const { limit } = pageLimit;
    const answer: PageAnswer = await reading.ask({ interval: slice, limit, cursor });
    let next: string | null;
    if (answer.kind === 'page') {
      pageLimit.onPage({ rows: answer.rows.length, bytes: answer.bytes });
      guard.onAnswer();
      yield { rows: answer.rows, unreadable: [] };
      next = answer.cursor;
    } else {
      const smaller = toSmaller({ interval: slice, limit, floor: pageLimit.floor });
      reading.onNotice(toShrinkNotice(reading, { slice, limit, reason: answer.reason }));
      if (smaller.kind === 'limit') {
        pageLimit.shrinkTo(smaller.limit);
        continue;
      }
      if (smaller.kind === 'halves') {
        pending.push(...smaller.halves);
        return;
      }
      const skipped = await skipRow(reading, { slice, cursor, reason: answer.reason });
      if (skipped.isNamed) guard.onAnswer();
      guard.onBottom(answer.reason);
      pageLimit.onSkip();
      yield { rows: [], unreadable: skipped.unreadable };
      next = skipped.cursor;
    }
    if (next === null) return;
    if (seen.has(next)) {
      throw new AppError(
        'LANGFUSE_UNEXPECTED',
        `${reading.name} gave the same cursor twice; reading on would never end`,
        { details: { cursor: next } },
      );
    }
    seen.add(next);
    cursor = next;
  }
}

/** One row that can't be read: asks for its name alone, which also gives the cursor behind it. */
async function skipRow(
  reading: CursorReading,
  at: { readonly slice: Interval; readonly cursor: string | null; readonly reason: string },
): Promise<{ unreadable: UnreadableRow[]; cursor: string | null; isNamed: boolean }> {
  const names = await reading.askNames({ interval: at.slice, limit: 1, cursor: at.cursor });
  if (names.kind === 'page') {
    return {
      unreadable: names.rows.map((row) => ({
        ...toUnreadable(row, `can't be read even alone: ${at.reason}`),
        raw: null,
      })),
      cursor: names.cursor,
      isNamed: true,
    };
  }
  return {
    unreadable: [
      {
        traceId: null,
        id: null,
        startMs: at.slice.fromMs,
        reason: `rows of this millisecond can't be read, nor their names: ${at.reason}`,
        raw: null,
      },
    ],
    cursor: null,
    isNamed: false,
  };
}

export function toShrinkNotice(
  reading: { readonly name: string },
  ask: { readonly slice: Interval; readonly limit: number; readonly reason: string },
): SourceNotice {
  return {
    kind: 'shrinking',
    message: `${reading.name} ${ask.reason}; asking for less`,
    details: { limit: ask.limit, fromMs: ask.slice.fromMs, toMs: ask.slice.toMs },
  };
}
