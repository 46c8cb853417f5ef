/** The text of generations from `GET /v2/observations`: a second pass, since text makes pages heavy and slow. */
import type { Interval } from '../shared/time.ts';
import type { ContentPage, ContentRow, UnreadableRow } from '../sync/ports.ts';
import { readByCursor } from './cursor-pages.ts';
import { decodeContent } from './decode.ts';
import { mergePages } from './merge-pages.ts';
import { createPageLimit } from './page-limit.ts';
import { createRowFilter, slicesPerReader, type ReaderContext } from './reader-context.ts';
import { planSlices } from './slices.ts';
import { toUnreadable } from './to-unreadable.ts';
import { askObservationsV2, maxV2PageSize, observationsV2Name } from './v2-reader.ts';
import { contentV2Schema, renderZodError } from './wire-schemas.ts';

/** Cloud documents 5 MB for a response; a coding agent's prompt alone may have hundreds of kilobytes. */
const targetBytes = 3_000_000;

/** The types that have a prompt and an answer. One request takes one type, so each is a pass; the second is rare and short. */
const contentTypes = ['GENERATION', 'EMBEDDING'] as const;

/** The text of every GENERATION and EMBEDDING that starts in the interval; the page size follows the size of the answers. */
export function readContentV2(
  context: ReaderContext,
  window: { readonly interval: Interval; readonly signal: AbortSignal },
): AsyncIterable<ContentPage> {
  const slices = planSlices(window.interval, context.concurrency * slicesPerReader);
  const readings = [
    ...slices.map((interval) => ({ interval, type: contentTypes[0] })),
    { interval: window.interval, type: contentTypes[1] },
  ];
  return mergePages({
    sources: readings.map(
      (reading) => (signal: AbortSignal) => readSlice(context, { ...reading, signal }),
    ),
    concurrency: context.concurrency,
    signal: window.signal,
  });
}

async function* readSlice(
  context: ReaderContext,
  reading: { readonly interval: Interval; readonly type: string; readonly signal: AbortSignal },
): AsyncGenerator<ContentPage, void, undefined> {
  const { interval, type, signal } = reading;
  const filter = createRowFilter(context, interval);
  const pages = readByCursor({
    name: observationsV2Name,
    interval,
    pageLimit: createPageLimit({
      start: Math.min(context.contentPageSize, maxV2PageSize),
      max: maxV2PageSize,
      targetBytes,
    }),
    ask: (ask) =>
      askObservationsV2(context, { ...ask, signal, query: { fields: 'core,time,io', type } }),
    askNames: (ask) =>
      askObservationsV2(context, { ...ask, signal, query: { fields: 'core', type } }),
    onNotice: context.gate.notice,
  });
  for await (const page of pages) {
    const rows: ContentRow[] = [];
    const unreadable: UnreadableRow[] = [...page.unreadable];
    for (const row of page.rows) {
      const parsed = contentV2Schema.safeParse(row);
      if (!parsed.success) {
        unreadable.push(toUnreadable(row, renderZodError(parsed.error)));
      } else if (filter.keeps({ startMs: parsed.data.startTime })) {
        const { id, traceId, updatedAt, input, output } = parsed.data;
        rows.push({
          traceId: traceId ?? '',
          id,
          updatedMs: updatedAt,
          content: { input: decodeContent(input), output: decodeContent(output) },
        });
      }
    }
    if (rows.length > 0 || unreadable.length > 0) yield { rows, unreadable };
  }
  filter.report(observationsV2Name);
}
