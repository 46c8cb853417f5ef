/** `GET /traces`, `/observations` and `/sessions`: pages by offset, newest first (langfuse pages/api/public). */
import { invalidRequest, ok, refusal, type HttpAnswer } from './http-answer.ts';
import { toLegacyObservation, toLegacyTrace, toTraceParts, toIsoOrNull } from './legacy-shapes.ts';
import { toPage } from './pages.ts';
import { observationsQuery, sessionsQuery, traceQuery, tracesQuery } from './query-schemas.ts';
import {
  includesAll,
  isOneOf,
  matches,
  sliceByStart,
  toTimeRange,
  type RouteContext,
} from './route-context.ts';
import { toRowPredicate } from './row-filter.ts';
import { compareByPosition } from './sample-store.ts';
import type { SampleTrace } from './sample-types.ts';
import { toLegacyScore } from './score-routes.ts';

const hourMs = 3_600_000;

export function listTraces(context: RouteContext): HttpAnswer {
  const parsed = tracesQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  if (context.traits.rejectsNoDateRange && query.fromTimestamp === undefined) {
    return refusal(400, 'fromTimestamp is required on this deployment', 'InvalidRequestError');
  }
  const range = toTimeRange(query.fromTimestamp, query.toTimestamp);
  const view = context.store.view();
  const rows = [...view.traces.values()].filter(
    (trace) =>
      trace.timestampMs >= range.fromMs &&
      trace.timestampMs < range.toMs &&
      matches(query.userId, trace.userId) &&
      matches(query.name, trace.name) &&
      matches(query.sessionId, trace.sessionId) &&
      matches(query.version, trace.version) &&
      matches(query.release, trace.release) &&
      isOneOf(query.environment, trace.environment) &&
      includesAll(trace.tags, query.tags),
  );
  rows.sort(toTraceOrder(query.orderBy ?? 'timestamp.desc'));
  const parts = toTraceParts(context.behaviour.hasTraceFields ? query.fields : undefined);
  return toPage(context, rows, {
    page: query.page,
    limit: query.limit,
    toItem: (trace) =>
      toLegacyTrace(trace, {
        projectId: context.store.project.id,
        behaviour: context.behaviour,
        parts,
        observations: view.observationsByTrace.get(trace.id) ?? [],
        scoreIds: view.scoreIdsByTrace.get(trace.id) ?? [],
        costFromMs: query.fromTimestamp === undefined ? null : range.fromMs - hourMs,
      }),
  });
}

function toTraceOrder(orderBy: string): (a: SampleTrace, b: SampleTrace) => number {
  const [column = 'timestamp', direction = 'desc'] = orderBy.split('.');
  const sign = direction.toLowerCase() === 'asc' ? 1 : -1;
  const valueOf = (trace: SampleTrace): string | number => {
    switch (column) {
      case 'id':
        return trace.id;
      case 'name':
        return trace.name ?? '';
      case 'userId':
        return trace.userId ?? '';
      case 'sessionId':
        return trace.sessionId ?? '';
      case 'release':
        return trace.release ?? '';
      case 'version':
        return trace.version ?? '';
      default:
        return trace.timestampMs;
    }
  };
  return (a, b) => {
    const left = valueOf(a);
    const right = valueOf(b);
    if (left === right) return 0;
    return left < right ? -sign : sign;
  };
}

export function getTrace(context: RouteContext): HttpAnswer {
  const parsed = traceQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const view = context.store.view();
  const trace = view.traces.get(context.pathId);
  if (!trace) {
    return refusal(
      404,
      `Trace ${context.pathId} not found within authorized project`,
      'LangfuseNotFoundError',
    );
  }
  const observations = view.observationsByTrace.get(trace.id) ?? [];
  const parts = toTraceParts(context.behaviour.hasTraceFields ? parsed.data.fields : undefined);
  const server = { behaviour: context.behaviour, projectId: context.store.project.id };
  return ok({
    ...toLegacyTrace(trace, { ...server, parts, observations, scoreIds: [], costFromMs: null }),
    observations: parts.observations
      ? observations.map((row) => toLegacyObservation(row, server))
      : [],
    scores: parts.scores
      ? view.scores
          .filter((score) => score.traceId === trace.id)
          .map((score) => toLegacyScore(score, context))
      : [],
  });
}

export function listObservations(context: RouteContext): HttpAnswer {
  const parsed = observationsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const view = context.store.view();
  const isWanted = toRowPredicate(query.filter);
  if (typeof isWanted === 'string') return refusal(400, isWanted, 'InvalidRequestError');
  const server = { behaviour: context.behaviour, projectId: context.store.project.id };
  const rows = sliceByStart(
    view.observations,
    toTimeRange(query.fromStartTime, query.toStartTime),
  ).filter(
    (row) =>
      matches(query.name, row.name) &&
      matches(query.type, row.type) &&
      matches(query.level, row.level) &&
      matches(query.traceId, row.traceId) &&
      matches(query.version, row.version) &&
      matches(query.parentObservationId, row.parentObservationId) &&
      matches(query.userId, view.traces.get(row.traceId)?.userId ?? null) &&
      isOneOf(query.environment, row.environment) &&
      isWanted(row),
  );
  // Start time is the only key of the order: what comes first within an instant is open.
  if (context.traits.hasUnstableTies && context.requestNumber % 2 === 1) {
    rows.sort((a, b) => b.startMs - a.startMs || compareByPosition(b, a));
  }
  return toPage(context, rows, {
    page: query.page,
    limit: query.limit,
    toItem: (row) => toLegacyObservation(row, server),
    overCount: context.behaviour.mode === 'v2.95' ? 0 : Math.max(3, view.supersededVersions),
  });
}

export function getObservation(context: RouteContext): HttpAnswer {
  const row = context.store.view().observations.find((one) => one.id === context.pathId);
  return row
    ? ok(
        toLegacyObservation(row, {
          behaviour: context.behaviour,
          projectId: context.store.project.id,
        }),
      )
    : refusal(404, 'Observation not found within authorized project', 'LangfuseNotFoundError');
}

interface SampleSession {
  readonly id: string;
  readonly createdMs: number;
  readonly environment: string;
}

function sessionsOf(context: RouteContext): SampleSession[] {
  const sessions = new Map<string, SampleSession>();
  for (const trace of context.store.view().traces.values()) {
    if (trace.sessionId === null) continue;
    const known = sessions.get(trace.sessionId);
    if (known && known.createdMs <= trace.createdMs) continue;
    sessions.set(trace.sessionId, {
      id: trace.sessionId,
      createdMs: trace.createdMs,
      environment: trace.environment,
    });
  }
  return [...sessions.values()].sort((a, b) => b.createdMs - a.createdMs);
}

export function listSessions(context: RouteContext): HttpAnswer {
  const parsed = sessionsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const range = toTimeRange(query.fromTimestamp, query.toTimestamp);
  const rows = sessionsOf(context).filter(
    (session) =>
      session.createdMs >= range.fromMs &&
      session.createdMs < range.toMs &&
      isOneOf(query.environment, session.environment),
  );
  return toPage(context, rows, {
    page: query.page,
    limit: query.limit,
    toItem: (session) => toSessionItem(session, context),
  });
}

const toSessionItem = (session: SampleSession, context: RouteContext): Record<string, unknown> => ({
  id: session.id,
  createdAt: toIsoOrNull(session.createdMs),
  projectId: context.store.project.id,
  ...(context.behaviour.hasEnvironment ? { environment: session.environment } : {}),
});

export function getSession(context: RouteContext): HttpAnswer {
  const session = sessionsOf(context).find((one) => one.id === context.pathId);
  if (!session) {
    return refusal(404, 'Session not found within authorized project', 'LangfuseNotFoundError');
  }
  const view = context.store.view();
  const traces = [...view.traces.values()].filter((trace) => trace.sessionId === session.id);
  return ok({
    ...toSessionItem(session, context),
    traces: traces.map((trace) =>
      toLegacyTrace(trace, {
        projectId: context.store.project.id,
        behaviour: context.behaviour,
        parts: toTraceParts(['io']),
        observations: [],
        scoreIds: [],
        costFromMs: null,
      }),
    ),
  });
}
