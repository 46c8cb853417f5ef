/** Describes what a window's runs must hold: from facts to run specs. Reads the state, writes nothing. */
import { toCounterMetrics } from '../metrics/window-counters.ts';
import type { NameKind } from '../redact/hash-name.ts';
import { toModelRun } from '../runs/to-model-run.ts';
import { toRequestRun } from '../runs/to-request-run.ts';
import { toSessionRun } from '../runs/to-session-run.ts';
import { toWindowRun } from '../runs/to-window-run.ts';
import { allModels, toTrendPoint, type TrendPointSpec } from '../runs/trend.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { toInstant, type Interval } from '../shared/time.ts';
import { countDoubleLogged, distinctValues, listFacts, sessionSpan } from '../store/aggregates.ts';
import { assertNotPruned, assertSessionsNotPruned } from '../store/assert-not-pruned.ts';
import { toResolvedGeneration } from '../store/fact.ts';
import { openContents } from '../store/contents.ts';
import type { State } from '../store/open-state.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import {
  modelArtifacts,
  requestArtifacts,
  sessionArtifacts,
  windowArtifacts,
} from './artifacts.ts';
import { auditWindow } from './audit-window.ts';
import { compareWindows, quietMetrics, type ComparedPlace } from './compared-windows.ts';
import { describeDimensions } from './describe-dimensions.ts';
import type { DescribedSource } from './described-source.ts';
import { groupMetrics } from './group-metrics.ts';
import { protectFact, protectGeneration, protectName, toTextRules } from './protect.ts';
import { toSessionUrl, toTraceUrl } from './report-links.ts';

export interface WindowDescription {
  readonly window: RunSpec;
  readonly models: readonly RunSpec[];
  readonly dimensions: readonly RunSpec[];
  /** Of all models together, then of each. */
  readonly trends: readonly DescribedPoint[];
}

export interface DescribedPoint {
  /** `allModels` for the point over all of them. */
  readonly model: string;
  readonly point: TrendPointSpec;
}

const inWindow = 'source = @source AND window_from_ms = @from';

/** The window's own run, one run per model, and the trend points. Throws INTERNAL when they disagree, or facts were pruned. */
export function describeWindow(
  place: ComparedPlace & { readonly source: DescribedSource },
  row: WindowRow,
): WindowDescription {
  const { state, source } = place;
  assertNotPruned(state, source.projectId, row.from_ms);
  const interval = toInterval(row);
  const parameters = { source: source.projectId, from: row.from_ms };
  const byModel = groupMetrics(
    { state, source },
    { grain: 'model', groupBy: 'model', where: inWindow },
    parameters,
  );
  const bySession = groupMetrics(
    { state, source },
    { grain: 'session', groupBy: 'session_id', where: `${inWindow} AND session_id IS NOT NULL` },
    parameters,
  );
  const totals = groupMetrics(
    { state, source },
    { grain: 'window', groupBy: null, where: inWindow },
    parameters,
  ).get('');
  const counters = {
    rowsRead: row.rows_read,
    duplicateRows: row.duplicate_rows,
    doubleLogged: countDoubleLogged(state, source.projectId, row.from_ms),
    syntheticRoots: row.synthetic_roots,
    notGenerations: row.not_generations,
    otherOrigin: row.other_origin,
    quarantined: row.unreadable,
  };
  const metrics = new Map([...(totals ?? quietMetrics), ...toCounterMetrics(counters)]);
  const audit = auditWindow(state, {
    source: source.projectId,
    fromMs: row.from_ms,
    metrics,
    models: byModel,
    measures: source.measures,
  });
  return {
    window: toWindowRun({
      source: source.projectId,
      projectName: source.projectName,
      interval,
      metrics,
      artifacts: windowArtifacts({
        state,
        source,
        row,
        metrics,
        counters,
        audit,
        models: byModel,
        sessions: bySession,
        comparisons: compareWindows(place, row),
      }),
    }),
    dimensions: describeDimensions({ state, source }, { interval, window: metrics }),
    models: [...byModel].map(([model, modelMetrics]) => {
      const where = `${inWindow} AND model = @model`;
      const modelParameters = { ...parameters, model };
      return toModelRun({
        source: source.projectId,
        interval,
        model,
        providers: distinctValues(state, {
          column: 'provider',
          where,
          parameters: modelParameters,
        }),
        rawNames: distinctValues(state, {
          column: 'model_raw',
          where,
          parameters: modelParameters,
        }),
        metrics: modelMetrics,
        artifacts: modelArtifacts(state, {
          source,
          interval,
          model,
          query: { where, parameters: modelParameters },
          metrics: modelMetrics,
        }),
      });
    }),
    trends: describeTrends({ state, source }, { interval, models: [...byModel.keys()] }),
  };
}

/** A quiet window has a point of all models: no request is a number too, and a line would run over the gap. */
function describeTrends(
  place: { readonly state: State; readonly source: DescribedSource },
  window: { readonly interval: Interval; readonly models: readonly string[] },
): DescribedPoint[] {
  const { interval } = window;
  const source = place.source.projectId;
  const metricsBy = (groupBy: 'model' | null): Map<string, Map<string, number>> =>
    groupMetrics(
      place,
      { grain: 'trend', groupBy, where: inWindow },
      { source, from: interval.fromMs },
    );
  const byModel = metricsBy('model');
  const ofAll = metricsBy(null).get('') ?? quietMetrics;
  const toPoint = (model: string, metrics: ReadonlyMap<string, number>): DescribedPoint => ({
    model,
    point: toTrendPoint({ source, model, interval, metrics }),
  });
  return [
    toPoint(allModels, ofAll),
    ...window.models.map((model) => toPoint(model, byModel.get(model) ?? new Map())),
  ];
}

/** Runs of the given sessions, each from all its facts over all windows. Sessions without facts give none. Throws INTERNAL for a pruned one. */
export function describeSessions(
  state: State,
  place: {
    readonly source: DescribedSource;
    readonly windowMs: number;
    readonly sessionIds: readonly string[];
  },
): RunSpec[] {
  const { source } = place;
  assertSessionsNotPruned(state, source.projectId, place.sessionIds);
  const parameters = { source: source.projectId, sessions: JSON.stringify(place.sessionIds) };
  const where = 'source = @source AND session_id IN (SELECT value FROM json_each(@sessions))';
  const metrics = groupMetrics(
    { state, source },
    { grain: 'session', groupBy: 'session_id', where },
    parameters,
  );
  return place.sessionIds.flatMap((sessionId) => {
    const sessionMetrics = metrics.get(sessionId);
    const span = sessionSpan(state, source.projectId, sessionId);
    if (sessionMetrics === undefined || span === null) return [];
    const query = {
      where: 'source = @source AND session_id = @session',
      parameters: { source: source.projectId, session: sessionId },
    };
    const url = toSessionUrl(source, sessionId);
    const names = (column: 'user_id' | 'key_alias' | 'team_alias', kind: NameKind): string[] => [
      ...new Set(
        distinctValues(state, { column, ...query }).map((name) =>
          protectName(name, kind, source.privacy.hashed),
        ),
      ),
    ];
    return [
      toSessionRun({
        source: source.projectId,
        firstWindow: {
          fromMs: toInstant(span.windowFromMs),
          toMs: toInstant(span.windowFromMs + place.windowMs),
        },
        facts: {
          sessionId,
          startMs: span.startMs,
          endMs: span.endMs,
          sources: distinctValues(state, { column: 'session_source', ...query }),
          models: distinctValues(state, { column: 'model', ...query }),
          users: names('user_id', 'users'),
          keyAliases: names('key_alias', 'keys'),
          teams: names('team_alias', 'teams'),
          clientTools: distinctValues(state, { column: 'client_tool', ...query }),
        },
        url,
        metrics: sessionMetrics,
        artifacts: sessionArtifacts(state, {
          source,
          sessionId,
          span: { fromMs: span.startMs, toMs: span.endMs },
          query,
          metrics: sessionMetrics,
          url,
        }),
      }),
    ];
  });
}

/** One run per attempt of the window. */
export function describeRequests(
  state: State,
  source: DescribedSource,
  interval: Interval,
): RunSpec[] {
  assertNotPruned(state, source.projectId, interval.fromMs);
  const contents = openContents(state, toTextRules(source.privacy));
  return listFacts(state, {
    where: inWindow,
    parameters: { source: source.projectId, from: interval.fromMs },
  }).map((stored) => {
    const fact = protectFact(stored, source.privacy);
    return toRequestRun({
      source: source.projectId,
      interval,
      generation: {
        ...protectGeneration(toResolvedGeneration(fact), source.privacy),
        // The run nests under the one of its session, as that was kept.
        sessionId: fact.session_id,
        requestId: fact.request_id,
        isFinalAttempt: fact.is_final_attempt === 1,
      },
      url: toTraceUrl(source, fact.trace_id),
      artifacts: requestArtifacts(contents, { fact, privacy: source.privacy }),
    });
  });
}
