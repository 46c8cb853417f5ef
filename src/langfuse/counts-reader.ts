/**
 * Counts of rows by time, type and model, as Langfuse's metrics API gives them: one request for a whole range where
 * its answer is not cut short.
 *
 * The traps (langfuse/langfuse `features/query/server/queryBuilder.ts`, `validateQuery.ts`): `toTimestamp` is
 * included; an answer has at most `row_limit` rows (1,000) and no next page; without `orderBy` empty buckets are
 * filled in and take the place of others.
 */
import { AppError } from '../shared/errors.ts';
import { dayMs, hourMs, toInstant, toIso, type Interval } from '../shared/time.ts';
import type { CountsBucket, ObservationCounts, ReaderKind } from '../sync/ports.ts';
import type { Bucket } from './gate.ts';
import type { ReaderContext } from './reader-context.ts';
import { countsSchema, renderZodError } from './wire-schemas.ts';

const mostRows = 1000;
const bucketsMs: Readonly<Record<CountsBucket, number>> = { day: dayMs, hour: hourMs };

interface CountsAsk {
  readonly reader: ReaderKind;
  /** Begins and ends where a bucket does. */
  readonly interval: Interval;
  readonly bucket: CountsBucket;
  readonly signal: AbortSignal;
}

const fullModeHint =
  'Use `--mode full`, which reads the rows themselves; fewer windows with --from and --to take less time.';

/** Throws LANGFUSE_UNSUPPORTED (no metrics API, or an answer that stays too large), LANGFUSE_UNEXPECTED and what the gate throws. */
export async function readCounts(
  context: ReaderContext,
  ask: CountsAsk,
): Promise<readonly ObservationCounts[]> {
  const { interval, reader } = ask;
  const isV2 = reader === 'v2';
  const name = isV2 ? 'GET /api/public/v2/metrics' : 'GET /api/public/metrics';
  const bucket: Bucket = isV2 ? 'public-api-v2-metrics' : 'public-api-metrics';
  const query = JSON.stringify(toQuery(context, ask));
  const outcome = await context.gate.ask({
    name,
    bucket,
    signal: ask.signal,
    send: (attempt) =>
      isV2 ? context.api.metricsV2(query, attempt) : context.api.metricsV1(query, attempt),
  });
  if (outcome.kind === 'absent' || outcome.kind === 'limited') {
    throw new AppError(
      'LANGFUSE_UNSUPPORTED',
      `This Langfuse has no metrics API to count with (${name} ${outcome.reason}).`,
      { hint: fullModeHint },
    );
  }
  if (outcome.kind === 'too_large') return readHalves(context, ask, `${name} ${outcome.reason}`);
  const parsed = countsSchema.safeParse(outcome.body);
  if (!parsed.success) {
    throw new AppError(
      'LANGFUSE_UNEXPECTED',
      `${name} answered 200, but not with counts (${renderZodError(parsed.error)})`,
      { cause: parsed.error },
    );
  }
  const { data } = parsed.data;
  // A full answer may have been cut short.
  if (data.length >= mostRows) return readHalves(context, ask, `${name} gave ${data.length} rows`);
  return data
    .map((row) => ({
      bucketMs: row.time_dimension,
      type: row.type,
      model: row.providedModelName,
      rows: row.count_count ?? 0,
      totalTokens: row.sum_totalTokens,
      costUsd: row.sum_totalCost,
    }))
    .filter((row) => row.bucketMs >= interval.fromMs && row.bucketMs < interval.toMs);
}

async function readHalves(
  context: ReaderContext,
  ask: CountsAsk,
  reason: string,
): Promise<readonly ObservationCounts[]> {
  const { fromMs, toMs } = ask.interval;
  const bucketMs = bucketsMs[ask.bucket];
  const buckets = Math.round((toMs - fromMs) / bucketMs);
  if (buckets < 2) {
    throw new AppError(
      'LANGFUSE_UNSUPPORTED',
      `Langfuse can't count what began from ${toIso(fromMs)} to ${toIso(toMs)} in one answer: ${reason}.`,
      { hint: fullModeHint },
    );
  }
  const middleMs = toInstant(fromMs + Math.floor(buckets / 2) * bucketMs);
  const early = await readCounts(context, { ...ask, interval: { fromMs, toMs: middleMs } });
  const late = await readCounts(context, { ...ask, interval: { fromMs: middleMs, toMs } });
  return [...early, ...late];
}

function toQuery(context: ReaderContext, ask: CountsAsk): Record<string, unknown> {
  return {
    view: 'observations',
    dimensions: [{ field: 'type' }, { field: 'providedModelName' }],
    metrics: [
      { measure: 'count', aggregation: 'count' },
      { measure: 'totalTokens', aggregation: 'sum' },
      { measure: 'totalCost', aggregation: 'sum' },
    ],
    filters:
      context.environments === null
        ? []
        : [
            {
              column: 'environment',
              operator: 'any of',
              value: context.environments,
              type: 'stringOptions',
            },
          ],
    timeDimension: { granularity: ask.bucket },
    fromTimestamp: toIso(ask.interval.fromMs),
    // Included, and rows start on whole milliseconds.
    toTimestamp: toIso(toInstant(ask.interval.toMs - 1)),
    orderBy: [{ field: 'count_count', direction: 'desc' }],
    config: { row_limit: mostRows },
  };
}
