/**
 * Observations from `GET /observations`, joined with `GET /traces` (Langfuse 2.x, 3.x). The legacy API strips user,
 * session, tags, release and trace name from observations, and always sends their text.
 */
import type { TraceAttributes } from '../shared/observation.ts';
import { toIso, type Interval } from '../shared/time.ts';
import type { ContentPage, SourcePage, UnreadableRow } from '../sync/ports.ts';
import { mergePages } from './merge-pages.ts';
import { toPageAnswer, type PageAnswer, type PageAsk } from './page-answer.ts';
import { createPageLimit } from './page-limit.ts';
import { createRowFilter, slicesPerReader, type ReaderContext } from './reader-context.ts';
import { planSlices } from './slices.ts';
import { readByTime } from './time-pages.ts';
import { toObservationFromV1 } from './to-observation.ts';
import { toTraceAttributes } from './to-trace-attributes.ts';
import { toUnreadable } from './to-unreadable.ts';
import { createTraceLookup, type TraceLookup } from './trace-lookup.ts';
import {
  observationV1Schema,
  renderZodError,
  traceSchema,
  type ObservationV1,
} from './wire-schemas.ts';

export const observationsV1Name = 'GET /api/public/observations';
export const tracesName = 'GET /api/public/traces';
export const maxLegacyPageSize = 100;

interface Reading {
  readonly interval: Interval;
  readonly signal: AbortSignal;
}

interface LegacyOptions {
  /** See {@link toObservationFromV1}. */
  readonly isLangfuse2: boolean;
}

/** Every observation that starts in the interval, with its text and the attributes of its trace. */
export function readWindowLegacy(
  context: ReaderContext,
  window: Reading & LegacyOptions,
): AsyncIterable<SourcePage> {
  const lookup = createTraceLookup(context);
  return mergePages({
    sources: planSlices(window.interval, context.concurrency * slicesPerReader).map(
      (interval) => (signal: AbortSignal) =>
        readSlice(context, { interval, signal, lookup, isLangfuse2: window.isLangfuse2 }),
    ),
    concurrency: context.concurrency,
    signal: window.signal,
  });
}

/** The text alone, for a caller that wants it apart from the rows. */
export async function* readContentLegacy(
  context: ReaderContext,
  window: Reading,
): AsyncGenerator<ContentPage, void, undefined> {
  for await (const page of readObservations(context, window)) {
    yield {
      rows: page.rows
        .filter(({ row }) => row.type === 'GENERATION' || row.type === 'EMBEDDING')
        .map(({ row }) => ({
          traceId: row.traceId ?? '',
          id: row.id,
          updatedMs: row.updatedAt,
          content: { input: row.input ?? null, output: row.output ?? null },
        })),
      unreadable: page.unreadable,
    };
  }
}

async function* readSlice(
  context: ReaderContext,
  reading: Reading & LegacyOptions & { readonly lookup: TraceLookup },
): AsyncGenerator<SourcePage, void, undefined> {
  const { lookup, signal, isLangfuse2 } = reading;
  const tracesOfSlice = new Map<string, TraceAttributes>();
  for await (const page of readTraces(context, reading)) {
    for (const trace of page.traces) {
      tracesOfSlice.set(trace.traceId, trace);
      lookup.remember(trace);
    }
    yield page;
  }
  const delivered = new Set(tracesOfSlice.keys());
  for await (const page of readObservations(context, reading)) {
    const traces: TraceAttributes[] = [];
    const unreadable: UnreadableRow[] = [...page.unreadable];
    const wanted = new Set(page.rows.map(({ row }) => row.traceId).filter((id) => id !== null));
    const elsewhere = [...wanted].filter((traceId) => !tracesOfSlice.has(traceId));
    const found = await Promise.all(elsewhere.map((traceId) => lookup.find(traceId, signal)));
    for (const [index, traceId] of elsewhere.entries()) {
      const one = found[index];
      if (one?.kind === 'trace') {
        tracesOfSlice.set(traceId, one.trace);
        if (!delivered.has(traceId)) traces.push(one.trace);
      } else if (one?.kind === 'unreadable' && !delivered.has(traceId)) {
        unreadable.push(one.row);
      }
      delivered.add(traceId);
    }
    yield {
      observations: page.rows.map(({ row, hasCostDetails }) =>
        toObservationFromV1(row, {
          trace: row.traceId === null ? null : (tracesOfSlice.get(row.traceId) ?? null),
          isLangfuse2,
          hasCostDetails,
        }),
      ),
      traces,
      unreadable,
    };
  }
}

interface ObservationRow {
  readonly row: ObservationV1;
  readonly hasCostDetails: boolean;
}

async function* readObservations(
  context: ReaderContext,
  { interval, signal }: Reading,
): AsyncGenerator<{ rows: ObservationRow[]; unreadable: UnreadableRow[] }, void, undefined> {
  const filter = createRowFilter(context, interval);
  const pages = readByTime({
    name: observationsV1Name,
    interval,
    pageLimit: createLegacyLimit(context),
    ask: (ask) => askObservationsV1(context, { ...ask, signal }),
    onNotice: context.gate.notice,
  });
  for await (const page of pages) {
    const rows: ObservationRow[] = [];
    const unreadable: UnreadableRow[] = [...page.unreadable];
    for (const raw of page.rows) {
      const parsed = observationV1Schema.safeParse(raw);
      if (!parsed.success) {
        unreadable.push(toUnreadable(raw, renderZodError(parsed.error)));
      } else if (
        filter.keeps({ startMs: parsed.data.startTime, environment: parsed.data.environment })
      ) {
        rows.push({ row: parsed.data, hasCostDetails: 'costDetails' in (raw as object) });
      }
    }
    if (rows.length > 0 || unreadable.length > 0) yield { rows, unreadable };
  }
  filter.report(observationsV1Name);
}

/**
 * Traces whose timestamp lies in the interval. Time range and `fields` are always sent: a server may be set to refuse
 * a list without a range, to bound it silently, or to choose other fields (langfuse/langfuse `LANGFUSE_API_TRACES_*`).
 */
async function* readTraces(
  context: ReaderContext,
  { interval, signal }: Reading,
): AsyncGenerator<SourcePage, void, undefined> {
  const pages = readByTime({
    name: tracesName,
    interval,
    pageLimit: createLegacyLimit(context),
    ask: async ({ interval: asked, limit, page }) => {
      const outcome = await context.gate.ask({
        name: tracesName,
        bucket: 'public-api-legacy',
        signal,
        send: (attempt) =>
          context.api.traces(
            {
              page,
              limit,
              fields: 'core',
              fromTimestamp: toIso(asked.fromMs),
              toTimestamp: toIso(asked.toMs),
              ...toEnvironment(context),
            },
            attempt,
          ),
      });
      return toPageAnswer(outcome, { name: tracesName, by: 'number' });
    },
    onNotice: context.gate.notice,
  });
  for await (const page of pages) {
    const traces: TraceAttributes[] = [];
    const unreadable: UnreadableRow[] = page.unreadable.map((row) => ({
      ...row,
      reason: `trace: ${row.reason}`,
    }));
    for (const row of page.rows) {
      const parsed = traceSchema.safeParse(row);
      if (parsed.success) traces.push(toTraceAttributes(parsed.data));
      else unreadable.push(toUnreadableTrace(row, renderZodError(parsed.error)));
    }
    yield { observations: [], traces, unreadable };
  }
}

function toUnreadableTrace(row: unknown, reason: string): UnreadableRow {
  const named = toUnreadable(row, `the trace is not understood: ${reason}`);
  return { ...named, traceId: named.id, id: null };
}

async function askObservationsV1(
  context: ReaderContext,
  ask: PageAsk & { readonly page: number; readonly signal: AbortSignal },
): Promise<PageAnswer> {
  const outcome = await context.gate.ask({
    name: observationsV1Name,
    bucket: 'public-api-legacy',
    signal: ask.signal,
    send: (attempt) =>
      context.api.observationsV1(
        {
          page: ask.page,
          limit: ask.limit,
          fromStartTime: toIso(ask.interval.fromMs),
          toStartTime: toIso(ask.interval.toMs),
          ...toEnvironment(context),
        },
        attempt,
      ),
  });
  return toPageAnswer(outcome, { name: observationsV1Name, by: 'number' });
}

function toEnvironment(context: ReaderContext): { environment?: string[] } {
  return context.environments === null ? {} : { environment: [...context.environments] };
}

function createLegacyLimit(context: ReaderContext) {
  const max = Math.min(context.pageSize, maxLegacyPageSize);
  return createPageLimit({ start: max, max });
}
