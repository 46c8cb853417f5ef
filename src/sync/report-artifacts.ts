/** `report.html` of each grain as a spec: what it is made of is hashed, the page is made when it is needed. */
import { latencyEdgesMs } from '../metrics/report-queries.ts';
import type { WindowCounters } from '../metrics/window-counters.ts';
import type { Comparison, Metrics, Ranking, ReportFigures } from '../report/html/figures.ts';
import { renderReport, reportFormat } from '../report/html/render-report.ts';
import type { ArtifactSpec } from '../runs/run-spec.ts';
import { hashOf } from '../shared/hash.ts';
import { toWindowLabel, type Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import type { DescribedSource, ReportedSource } from './described-source.ts';
import {
  byCost,
  failuresOf,
  groupsOf,
  latencyOf,
  rankingOf,
  timelineOf,
  type FactQuery,
} from './report-figures.ts';
import { toLinks } from './report-links.ts';

export function windowReport(
  state: State,
  window: {
    readonly source: DescribedSource;
    readonly row: WindowRow;
    readonly query: FactQuery;
    readonly metrics: Metrics;
    readonly counters: WindowCounters;
    readonly models: ReadonlyMap<string, Metrics>;
    readonly comparisons: readonly Comparison[];
  },
): ArtifactSpec {
  const { source, row, query, counters, comparisons } = window;
  const interval = toInterval(row);
  return toSpec({
    // What the window holds, and what else is on the page.
    madeOf: [
      row.input_hash,
      withoutAddress(source),
      comparisons.map(({ label, metrics }) => [label, metrics === null ? null : [...metrics]]),
    ],
    gather: () => ({
      ...common(state, { source, query, span: interval }),
      kind: 'window',
      subject: toWindowLabel(interval),
      totals: window.metrics,
      comparisons,
      models: toModels(source, { models: window.models, interval }),
      windows: [],
      rankings: rankingsOf(state, { source, query }),
      reading: {
        quarantined: counters.quarantined,
        doubleLogged: counters.doubleLogged,
        repeated: null,
        unread: [],
      },
    }),
  });
}

export function modelReport(
  state: State,
  model: {
    readonly source: DescribedSource;
    readonly interval: Interval;
    readonly model: string;
    readonly query: FactQuery;
    readonly metrics: Metrics;
    readonly rowHashes: readonly string[];
  },
): ArtifactSpec {
  const { source, interval, query } = model;
  return toSpec({
    madeOf: [model.rowHashes, withoutAddress(source), interval, model.model],
    gather: () => ({
      ...common(state, { source, query, span: interval }),
      kind: 'model',
      subject: `${model.model} on ${toWindowLabel(interval)}`,
      totals: model.metrics,
      comparisons: [],
      models: toModels(source, { models: new Map([[model.model, model.metrics]]), interval }),
      windows: [],
      rankings: rankingsOf(state, { source, query }),
      reading: null,
    }),
  });
}

export function sessionReport(
  state: State,
  session: {
    readonly source: DescribedSource;
    readonly sessionId: string;
    readonly span: { readonly fromMs: number; readonly toMs: number };
    readonly query: FactQuery;
    readonly metrics: Metrics;
    readonly rowHashes: readonly string[];
  },
): ArtifactSpec {
  const { source, query } = session;
  return toSpec({
    madeOf: [session.rowHashes, withoutAddress(source), session.sessionId],
    gather: () => ({
      ...common(state, { source, query, span: session.span }),
      kind: 'session',
      subject: session.sessionId,
      totals: session.metrics,
      comparisons: [],
      models: toModels(source, { models: namedGroups(state, query), interval: null }),
      windows: [],
      rankings: [],
      reading: null,
    }),
  });
}

/** The parts that every report has. */
export function common(
  state: State,
  of: {
    readonly source: ReportedSource;
    readonly query: FactQuery;
    readonly span: Parameters<typeof timelineOf>[2];
  },
): Pick<
  ReportFigures,
  'project' | 'fromMs' | 'toMs' | 'timeline' | 'latency' | 'latencyEdgesMs' | 'failures'
> {
  const { source, query, span } = of;
  return {
    project: source.projectName ?? source.projectId,
    fromMs: span.fromMs,
    toMs: span.toMs,
    timeline: timelineOf(state, query, span),
    latency: latencyOf(state, query),
    latencyEdgesMs,
    failures: failuresOf(state, query),
  };
}

export function rankingsOf(
  state: State,
  of: { readonly source: ReportedSource; readonly query: FactQuery },
): Ranking[] {
  const links = toLinks(of.source);
  return [
    rankingOf(state, of.query, { of: 'session', linksOf: links.session }),
    rankingOf(state, of.query, { of: 'user', linksOf: links.user }),
    rankingOf(state, of.query, {
      of: 'key',
      linksOf: (name) => links.sessionsWith('api_key_alias', name),
    }),
    rankingOf(state, of.query, {
      of: 'client tool',
      linksOf: (name) => links.sessionsWith('client_tool', name),
    }),
  ];
}

export function toModels(
  source: ReportedSource,
  of: { readonly models: ReadonlyMap<string, Metrics>; readonly interval: Interval | null },
): ReportFigures['models'] {
  const { ofRun } = toLinks(source);
  const { interval } = of;
  return [...of.models]
    .map(([name, metrics]) => ({
      name,
      metrics,
      links: {
        mlflow:
          interval === null ? null : ofRun({ grain: 'model', window: interval, subject: name }),
        langfuse: null,
      },
    }))
    .toSorted(byCost);
}

export function namedGroups(state: State, query: FactQuery): Map<string, Metrics> {
  return new Map(
    [...groupsOf(state, query, { groupBy: 'model' })].flatMap(([name, metrics]) =>
      name === null ? [] : [[name, metrics]],
    ),
  );
}

function toSpec(report: {
  readonly madeOf: readonly unknown[];
  readonly gather: () => ReportFigures;
}): ArtifactSpec {
  // The manifest tells its checksum, so that it is asked for twice.
  let made: Promise<Uint8Array> | null = null;
  const make = async (): Promise<Uint8Array> =>
    new TextEncoder().encode(await renderReport(report.gather()));
  return {
    path: 'report.html',
    contentType: 'text/html; charset=utf-8',
    isTable: false,
    sourceHash: hashOf(['report.html', reportFormat, ...report.madeOf]),
    render: () => (made ??= make()),
  };
}

/** The same content has the same hash in every experiment and behind every address of one MLflow. */
function withoutAddress({ runsPage: _runsPage, ...source }: DescribedSource): unknown {
  return source;
}
