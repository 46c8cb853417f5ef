/**
 * Looks for calls in a window that the reader found without any. Langfuse may answer an empty list though it holds
 * data: a legacy list of a project whose rows only go to the new table (langfuse/langfuse#16983), a new table that a
 * server does not write or that begins after a migration. Asked is the other list, for one row; where there is none,
 * the count of the metrics API. Only generations are asked for: a trace without any call has rows in one list alone.
 */
import { AppError, toAppError } from '../shared/errors.ts';
import { toInstant, toIso, type Interval } from '../shared/time.ts';
import type { ReaderKind } from '../sync/ports.ts';
import type { Outcome } from './gate.ts';
import { observationsV1Name } from './legacy-reader.ts';
import { toPageAnswer } from './page-answer.ts';
import type { ReaderContext } from './reader-context.ts';
import { observationsV2Name } from './v2-reader.ts';
import { callCountsSchema } from './wire-schemas.ts';

export const metricsV2Name = 'GET /api/public/v2/metrics';

interface Asked {
  readonly interval: Interval;
  readonly signal: AbortSignal;
}

/** True or false as the list says; null where it is not there or can't tell. */
type Look = (asked: Asked) => Promise<boolean | null>;

/**
 * The name of a list that has calls in an interval, or null where none has or none can be asked. A list that is not
 * there, or fails for good, is said once and not asked again: it is a second opinion, without which a run can go on.
 * Throws LANGFUSE_RATE_LIMITED and CANCELLED.
 */
export function createEmptyCheck(
  context: ReaderContext,
  reader: ReaderKind,
): (asked: Asked) => Promise<string | null> {
  const looks = new Map<string, Look>(
    reader === 'v2'
      ? [
          [observationsV1Name, (asked) => lookInV1(context, asked)],
          [metricsV2Name, (asked) => lookInMetrics(context, asked)],
        ]
      : [[observationsV2Name, (asked) => lookInV2(context, asked)]],
  );
  return async (asked) => {
    for (const [name, look] of looks) {
      const found = await lookSafely(context, { name, look, asked });
      if (found === true) return name;
      if (found === false) return null;
      looks.delete(name);
    }
    return null;
  };
}

async function lookSafely(
  context: ReaderContext,
  { name, look, asked }: { readonly name: string; readonly look: Look; readonly asked: Asked },
): Promise<boolean | null> {
  try {
    return await look(asked);
  } catch (caught) {
    const error = toAppError(caught);
    const isSecondOpinion =
      error.code.startsWith('LANGFUSE_') && error.code !== 'LANGFUSE_RATE_LIMITED';
    if (asked.signal.aborted || !isSecondOpinion) throw error;
    sayLeftOut(context, name, error.message);
    return null;
  }
}

async function lookInV1(context: ReaderContext, { interval, signal }: Asked) {
  const outcome = await context.gate.ask({
    name: observationsV1Name,
    bucket: 'public-api-legacy',
    signal,
    send: (attempt) =>
      context.api.observationsV1(
        { page: 1, limit: 1, type: 'GENERATION', ...toRange(context, interval) },
        attempt,
      ),
  });
  return hasRows(context, { outcome, name: observationsV1Name, by: 'number' });
}

async function lookInV2(context: ReaderContext, { interval, signal }: Asked) {
  const outcome = await context.gate.ask({
    name: observationsV2Name,
    bucket: 'public-api',
    signal,
    send: (attempt) =>
      context.api.observationsV2(
        { fields: 'core', limit: 1, type: 'GENERATION', ...toRange(context, interval) },
        attempt,
      ),
  });
  return hasRows(context, { outcome, name: observationsV2Name, by: 'cursor' });
}

/** Counts by type and environment, so that no filter of the API has to be trusted. */
async function lookInMetrics(context: ReaderContext, { interval, signal }: Asked) {
  const query = {
    view: 'observations',
    dimensions: [{ field: 'type' }, { field: 'environment' }],
    metrics: [{ measure: 'count', aggregation: 'count' }],
    filters: [],
    timeDimension: null,
    fromTimestamp: toIso(interval.fromMs),
    // Both ends belong to the range that it counts.
    toTimestamp: toIso(toInstant(interval.toMs - 1)),
    orderBy: null,
  };
  const outcome = await context.gate.ask({
    name: metricsV2Name,
    bucket: 'public-api-v2-metrics',
    signal,
    // Its limit is by the day.
    waitsForLimit: false,
    send: (attempt) => context.api.metricsV2(JSON.stringify(query), attempt),
  });
  if (outcome.kind !== 'answer') return toUnknown(context, { outcome, name: metricsV2Name });
  const parsed = callCountsSchema.safeParse(outcome.body);
  if (!parsed.success) {
    throw new AppError(
      'LANGFUSE_UNEXPECTED',
      `${metricsV2Name} answered 200, but not with counts`,
      { cause: parsed.error },
    );
  }
  const { environments } = context;
  return parsed.data.data.some(
    (row) =>
      row.type === 'GENERATION' &&
      (row.count_count ?? 0) > 0 &&
      (environments === null || row.environment === null || environments.includes(row.environment)),
  );
}

function hasRows(
  context: ReaderContext,
  found: {
    readonly outcome: Outcome;
    readonly name: string;
    readonly by: 'cursor' | 'number';
  },
): boolean | null {
  const { outcome } = found;
  if (outcome.kind !== 'answer') return toUnknown(context, { outcome, name: found.name });
  const page = toPageAnswer(outcome, found);
  return page.kind === 'page' ? page.rows.length > 0 : null;
}

/** That a server has no such list is no news; that it can't answer is. */
function toUnknown(
  context: ReaderContext,
  {
    outcome,
    name,
  }: { readonly outcome: Exclude<Outcome, { kind: 'answer' }>; readonly name: string },
): null {
  if (outcome.kind !== 'absent') sayLeftOut(context, name, outcome.reason);
  return null;
}

function sayLeftOut(context: ReaderContext, name: string, reason: string): void {
  context.gate.notice({
    kind: 'left_out',
    message: `Empty windows are not compared with ${name} in this run: ${reason}`,
    details: { request: name },
  });
}

function toRange(context: ReaderContext, interval: Interval) {
  return {
    fromStartTime: toIso(interval.fromMs),
    toStartTime: toIso(interval.toMs),
    ...(context.environments === null ? {} : { environment: [...context.environments] }),
  };
}
