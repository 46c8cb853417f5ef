/** The three generations of `GET /scores` (langfuse pages/api/public/scores, v2/scores, v3/scores). */
import { invalidRequest, ok, refusal, type HttpAnswer } from './http-answer.ts';
import { toPage } from './pages.ts';
import { toIsoOrNull } from './legacy-shapes.ts';
import { scoresQuery, scoresV2Query, scoresV3Query } from './query-schemas.ts';
import { includesAll, isOneOf, matches, toTimeRange, type RouteContext } from './route-context.ts';
import type { SampleScore } from './sample-types.ts';

/** A score as v1 and v2 write it: the value split over `value` and `stringValue`. */
export function toLegacyScore(score: SampleScore, context: RouteContext): Record<string, unknown> {
  return {
    id: score.id,
    timestamp: toIsoOrNull(score.timestampMs),
    projectId: context.store.project.id,
    ...(context.behaviour.hasEnvironment ? { environment: score.environment } : {}),
    name: score.name,
    value: score.value ?? 0,
    ...(score.dataType === 'NUMERIC' ? {} : { stringValue: labelOf(score) }),
    source: score.source,
    authorUserId: null,
    comment: score.comment,
    metadata: {},
    configId: null,
    queueId: null,
    dataType: score.dataType,
    traceId: score.traceId,
    observationId: score.observationId,
    createdAt: toIsoOrNull(score.createdMs),
    updatedAt: toIsoOrNull(score.updatedMs),
  };
}

const labelOf = (score: SampleScore): string | null => {
  if (score.dataType !== 'BOOLEAN') return score.stringValue;
  return score.value === 1 ? 'True' : 'False';
};

function traceOf(score: SampleScore, context: RouteContext): Record<string, unknown> | null {
  const trace = score.traceId === null ? null : context.store.view().traces.get(score.traceId);
  return trace
    ? {
        userId: trace.userId,
        tags: trace.tags,
        environment: trace.environment,
        sessionId: trace.sessionId,
      }
    : null;
}

/** v1: scores on traces and observations only, and only while the trace exists. */
export function listScores(context: RouteContext): HttpAnswer {
  const parsed = scoresQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const view = context.store.view();
  const rows = view.scores.filter((score) => {
    const trace = score.traceId === null ? undefined : view.traces.get(score.traceId);
    return trace !== undefined && isWantedScore(score, query, context);
  });
  return toPage(context, rows, {
    page: query.page,
    limit: query.limit,
    toItem: (score) => ({ ...toLegacyScore(score, context), trace: traceOf(score, context) }),
  });
}

/** v2: also scores on sessions. */
export function listScoresV2(context: RouteContext): HttpAnswer {
  const parsed = scoresV2Query.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const view = context.store.view();
  const rows = view.scores.filter(
    (score) =>
      (score.traceId === null || view.traces.has(score.traceId)) &&
      isWantedScore(score, query, context) &&
      matches(query.sessionId, score.sessionId) &&
      matches(query.traceId, score.traceId) &&
      matches(query.observationId, score.observationId),
  );
  return toPage(context, rows, {
    page: query.page,
    limit: query.limit,
    toItem: (score) => ({
      ...toLegacyScore(score, context),
      sessionId: score.sessionId,
      datasetRunId: null,
      trace: traceOf(score, context),
    }),
  });
}

interface ScoreFilters {
  readonly name?: string | undefined;
  readonly dataType?: string | undefined;
  readonly source?: string | undefined;
  readonly userId?: string | undefined;
  readonly environment?: string[] | undefined;
  readonly traceTags?: string[] | undefined;
  readonly fromTimestamp?: string | undefined;
  readonly toTimestamp?: string | undefined;
}

function isWantedScore(score: SampleScore, query: ScoreFilters, context: RouteContext): boolean {
  const trace = score.traceId === null ? undefined : context.store.view().traces.get(score.traceId);
  const range = toTimeRange(query.fromTimestamp, query.toTimestamp);
  return (
    score.timestampMs >= range.fromMs &&
    score.timestampMs < range.toMs &&
    matches(query.name, score.name) &&
    matches(query.dataType, score.dataType) &&
    matches(query.source, score.source) &&
    matches(query.userId, trace?.userId ?? null) &&
    isOneOf(query.environment, score.environment) &&
    includesAll(trace?.tags ?? [], query.traceTags)
  );
}

interface ScoreCursor {
  readonly v: 1;
  readonly lastTimestamp: string;
  readonly lastId: string;
}

/** v3: a cursor, a strict query, one `value` of the score's own type, and `subject` only when asked for. */
export function listScoresV3(context: RouteContext): HttpAnswer {
  const parsed = scoresV3Query.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const cursor = query.cursor === undefined ? null : parseScoreCursor(query.cursor);
  if (cursor === 'invalid') return refusal(400, 'Invalid cursor format', 'InvalidRequestError');
  const range = toTimeRange(query.fromTimestamp, query.toTimestamp);
  const lastMs = cursor === null ? Number.POSITIVE_INFINITY : Date.parse(cursor.lastTimestamp);
  const rows = context.store
    .view()
    .scores.filter(
      (score) =>
        score.timestampMs >= range.fromMs &&
        score.timestampMs < range.toMs &&
        (cursor === null ||
          score.timestampMs < lastMs ||
          (score.timestampMs === lastMs && score.id < cursor.lastId)) &&
        isOneOf(query.id, score.id) &&
        isOneOf(query.name, score.name) &&
        isOneOf(query.source, score.source) &&
        isOneOf(query.dataType, score.dataType) &&
        isOneOf(query.environment, score.environment) &&
        isOneOf(query.traceId, score.traceId) &&
        isOneOf(query.sessionId, score.sessionId) &&
        isOneOf(query.observationId, score.observationId),
    );
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const next: ScoreCursor | null =
    last && rows.length > page.length
      ? { v: 1, lastTimestamp: new Date(last.timestampMs).toISOString(), lastId: last.id }
      : null;
  return ok({
    data: page.map((score) => toScoreV3(score, query.fields ?? ['core'], context)),
    meta: {
      limit: query.limit,
      ...(next ? { cursor: Buffer.from(JSON.stringify(next)).toString('base64url') } : {}),
    },
  });
}

function parseScoreCursor(text: string): ScoreCursor | 'invalid' {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as ScoreCursor;
    const isValid =
      cursor.v === 1 &&
      typeof cursor.lastId === 'string' &&
      !Number.isNaN(Date.parse(cursor.lastTimestamp));
    return isValid ? cursor : 'invalid';
  } catch {
    return 'invalid';
  }
}

function toScoreV3(
  score: SampleScore,
  fields: readonly string[],
  context: RouteContext,
): Record<string, unknown> {
  const values = {
    NUMERIC: score.value,
    BOOLEAN: score.value === 1,
    CATEGORICAL: score.stringValue,
  };
  return {
    id: score.id,
    projectId: context.store.project.id,
    name: score.name,
    dataType: score.dataType,
    value: values[score.dataType],
    source: score.source,
    timestamp: toIsoOrNull(score.timestampMs),
    environment: score.environment,
    createdAt: toIsoOrNull(score.createdMs),
    updatedAt: toIsoOrNull(score.updatedMs),
    ...(fields.includes('details') ? { comment: score.comment, configId: null, metadata: {} } : {}),
    ...(fields.includes('annotation') ? { authorUserId: null, queueId: null } : {}),
    ...(fields.includes('subject') ? { subject: toSubject(score) } : {}),
  };
}

function toSubject(score: SampleScore): Record<string, unknown> {
  if (score.observationId !== null) {
    return { kind: 'observation', id: score.observationId, traceId: score.traceId };
  }
  return score.traceId === null
    ? { kind: 'session', id: score.sessionId }
    : { kind: 'trace', id: score.traceId };
}
