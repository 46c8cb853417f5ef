/** Observations from `GET /v2/observations` (Langfuse 4, Cloud, 3.x with dual writes). */
import { toIso, type Interval } from '../shared/time.ts';
import type { SourcePage, UnreadableRow } from '../sync/ports.ts';
import { readByCursor } from './cursor-pages.ts';
import { expandedMetadataKeys } from './expand-metadata.ts';
import { mergePages } from './merge-pages.ts';
import { toPageAnswer, type PageAnswer, type PageAsk } from './page-answer.ts';
import { createPageLimit } from './page-limit.ts';
import { createRowFilter, slicesPerReader, type ReaderContext } from './reader-context.ts';
import type { ObservationsV2Query } from './sdk-client.ts';
import { planSlices } from './slices.ts';
import { toObservationFromV2 } from './to-observation.ts';
import { gatherTraceAttributes, type TraceRow } from './to-trace-attributes.ts';
import { toUnreadable } from './to-unreadable.ts';
import { observationV2Schema, renderZodError } from './wire-schemas.ts';

export const observationsV2Name = 'GET /api/public/v2/observations';
export const maxV2PageSize = 1000;

const rowFields = 'core,basic,time,usage,model,prompt,metrics,trace_context,metadata';

/**
 * Every observation that starts in the interval, slices in parallel, each slice by cursor. Without text: see
 * {@link readContentV2}. The order of the API is by minute, then newest first; the cursor has millisecond precision,
 * as have all start times that Langfuse stores.
 */
export function readWindowV2(
  context: ReaderContext,
  window: { readonly interval: Interval; readonly signal: AbortSignal },
): AsyncIterable<SourcePage> {
  return mergePages({
    sources: planSlices(window.interval, context.concurrency * slicesPerReader).map(
      (interval) => (signal: AbortSignal) => readSlice(context, { interval, signal }),
    ),
    concurrency: context.concurrency,
    signal: window.signal,
  });
}

async function* readSlice(
  context: ReaderContext,
  { interval, signal }: { readonly interval: Interval; readonly signal: AbortSignal },
): AsyncGenerator<SourcePage, void, undefined> {
  const max = Math.min(context.pageSize, maxV2PageSize);
  const filter = createRowFilter(context, interval);
  const pages = readByCursor({
    name: observationsV2Name,
    interval,
    pageLimit: createPageLimit({ start: max, max }),
    ask: (ask) =>
      askObservationsV2(context, {
        ...ask,
        signal,
        query: { fields: rowFields, expandMetadata: expandedMetadataKeys.join(',') },
      }),
    askNames: (ask) => askObservationsV2(context, { ...ask, signal, query: { fields: 'core' } }),
    onNotice: context.gate.notice,
  });
  for await (const page of pages) {
    const rows: TraceRow[] = [];
    const unreadable: UnreadableRow[] = [...page.unreadable];
    for (const row of page.rows) {
      const parsed = observationV2Schema.safeParse(row);
      if (!parsed.success) {
        unreadable.push(toUnreadable(row, renderZodError(parsed.error)));
        continue;
      }
      const observation = toObservationFromV2(parsed.data);
      if (filter.keeps(observation)) {
        const isRoot =
          parsed.data.isRootObservation === true || observation.parentObservationId === null;
        rows.push({ observation, isRoot });
      }
    }
    if (rows.length > 0 || unreadable.length > 0) {
      yield {
        observations: rows.map(({ observation }) => observation),
        traces: gatherTraceAttributes(rows),
        unreadable,
      };
    }
  }
  filter.report(observationsV2Name);
}

/** One page. All parameters go with every cursor: it holds a position and no filter. */
export async function askObservationsV2(
  context: ReaderContext,
  ask: PageAsk & {
    readonly cursor: string | null;
    readonly signal: AbortSignal;
    readonly query: Pick<ObservationsV2Query, 'fields' | 'expandMetadata' | 'type'>;
  },
): Promise<PageAnswer> {
  const query: ObservationsV2Query = {
    ...ask.query,
    limit: ask.limit,
    fromStartTime: toIso(ask.interval.fromMs),
    toStartTime: toIso(ask.interval.toMs),
    ...(context.environments === null ? {} : { environment: [...context.environments] }),
    ...(ask.cursor === null ? {} : { cursor: ask.cursor }),
  };
  const outcome = await context.gate.ask({
    name: observationsV2Name,
    bucket: 'public-api',
    signal: ask.signal,
    send: (attempt) => context.api.observationsV2(query, attempt),
  });
  return toPageAnswer(outcome, { name: observationsV2Name, by: 'cursor' });
}
