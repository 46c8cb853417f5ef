/** What `sync`, `backfill` and `demo` print at the end. */
import Table from 'cli-table3';
import { toCount, toDuration, toUsd } from '../runs/note.ts';
import { toVisibleLine, toVisibleText } from '../report/visible-text.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import type { ClosedDays, SyncSummary } from '../sync/run-sync.ts';
import { toErrorJson } from './report-failure.ts';

const unknown = 'unknown';

/** Tables for people: what each model did in the windows that were read, and how the run went. */
export function renderSummary(summary: SyncSummary, hide: (text: string) => string): string {
  const lines = [
    '',
    renderModels(summary),
    '',
    `Windows   ${summary.windowsRead} of ${summary.windowsPlanned} read, ${toPublished(summary)}`,
    `Rows      ${toCount(summary.rows)} read, ${toCount(summary.generations)} LiteLLM calls${
      summary.quarantined > 0
        ? `, ${toCount(summary.quarantined)} QUARANTINED (langfuse-mlflow status)`
        : ''
    }`,
    renderRuns(summary),
    `Calls     ${toCount(summary.langfuse.requests)} to Langfuse (${summary.langfuse.retries} retries, ${summary.langfuse.rateLimited} rate limited), ${toCount(summary.mlflow.writes)} writes to MLflow${
      summary.mlflow.slowed > 0
        ? ` (slowed down ${toCount(summary.mlflow.slowed)} times, since it refused for load)`
        : ''
    }`,
    `Complete  up to ${toIso(summary.watermarkMs)}${
      summary.watermarkMs < summary.settledEndMs ? ` of ${toIso(summary.settledEndMs)}` : ''
    }, in ${toDuration(summary.elapsedMs)}`,
  ];
  if (summary.leaseTakenFrom !== null) {
    lines.push(
      `Took over from ${toVisibleLine(summary.leaseTakenFrom.holder)}, which ended without handing its lease back`,
    );
  }
  if (summary.isStartedOver) {
    lines.push(
      `Anew      MLflow no longer had experiment ${summary.experimentName}: all windows were published to a new one`,
    );
  }
  lines.push(...renderClosed(summary.closed));
  if (summary.callsPruned > 0) {
    lines.push(
      `Pruned    ${toCount(summary.callsPruned)} calls older than SYNC_FACTS_RETENTION from the state file; MLflow keeps what was published of them`,
    );
  }
  for (const window of summary.suspiciouslyEmpty) {
    lines.push(
      `Empty     ${toWindowLabel(window)} has no row between busy windows; the next sync reads it again`,
    );
  }
  lines.push(...renderFailed(summary, hide));
  for (const error of summary.left) {
    lines.push('', `LEFT      ${toVisibleText(hide(error.message))}`, `  next:   ${error.hint}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What became of the runs, as one line. */
export function renderRuns(summary: SyncSummary): string {
  return `Runs      ${toCount(summary.runs.created)} created, ${toCount(summary.runs.updated)} updated, ${toCount(summary.runs.unchanged)} unchanged${
    summary.runs.deleted > 0 ? `, ${toCount(summary.runs.deleted)} deleted` : ''
  }${
    summary.runsMadeAgain > 0
      ? ` (${toCount(summary.runsMadeAgain)} made again after someone had deleted them in MLflow)`
      : ''
  } in experiment ${summary.experimentName}`;
}

/** Each window that failed with its next step. */
export function renderFailed(summary: SyncSummary, hide: (text: string) => string): string[] {
  return summary.failed.flatMap(({ window, error }) => [
    '',
    `${error.code === 'CANCELLED' ? 'STOPPED ' : 'FAILED  '}  ${toWindowLabel(window)}: ${toVisibleText(hide(error.message))}`,
    `  next:   ${error.hint}`,
  ]);
}

const mostSessions = 20;

/** Names what was left as it is on purpose. */
export function renderClosed(closed: ClosedDays | null): string[] {
  if (closed === null) return [];
  const before = toIso(closed.beforeMs);
  const { sessionsLeft } = closed;
  return [
    `Closed    before ${before}: kept in MLflow as it is, never read or published again`,
    ...sessionsLeft
      .slice(0, mostSessions)
      .map(
        (id) =>
          `Left      session ${toVisibleLine(id)} began before, so only a part of its rows is left: its run stays as it is`,
      ),
    ...(sessionsLeft.length > mostSessions
      ? [`          and ${toCount(sessionsLeft.length - mostSessions)} more (--json has all)`]
      : []),
  ];
}

export function toClosedJson(closed: ClosedDays | null): Record<string, unknown> | null {
  return closed === null
    ? null
    : { before: toIso(closed.beforeMs), sessions_left: closed.sessionsLeft };
}

/** A window that later rows or scores touch (a late score, a row that moved) is published once more. */
function toPublished(summary: SyncSummary): string {
  const again = summary.windowsPublished - summary.windowsChanged;
  return [
    `${summary.windowsChanged} new or changed, ${summary.windowsUnchanged} unchanged`,
    ...(summary.failed.length > 0 ? [`${summary.failed.length} not finished`] : []),
    ...(again > 0 ? [`${again} published again for later rows and scores`] : []),
  ].join('; ');
}

function renderModels(summary: SyncSummary): string {
  const table = new Table({
    head: [
      'model',
      'requests',
      'errors',
      'input',
      'of it cached',
      'output',
      'cost',
      'latency p50',
      'p95',
    ],
    colAligns: ['left', ...Array.from({ length: 8 }, () => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const { model, metrics } of summary.totals.models)
    table.push(toRow(toVisibleLine(model), metrics));
  table.push(toRow('all', summary.totals.all));
  const partial = [...summary.totals.models].some(({ metrics }) => isPartial(metrics));
  return partial
    ? `${table.toString()}\n* some attempts have no known cost and are not in it`
    : table.toString();
}

/** A line of the table. */
function toRow(name: string, metrics: ReadonlyMap<string, number>): string[] {
  return [
    name,
    count(metrics, 'requests'),
    count(metrics, 'errors'),
    count(metrics, 'prompt_tokens'),
    count(metrics, 'cache_read_tokens'),
    count(metrics, 'completion_tokens'),
    cost(metrics),
    duration(metrics, 'latency_ms/p50'),
    duration(metrics, 'latency_ms/p95'),
  ];
}

function count(metrics: ReadonlyMap<string, number>, name: string): string {
  const value = metrics.get(name);
  return value === undefined ? unknown : toCount(value);
}

function cost(metrics: ReadonlyMap<string, number>): string {
  const value = metrics.get('cost_usd');
  return value === undefined ? unknown : `${toUsd(value)}${isPartial(metrics) ? '*' : ''}`;
}

function isPartial(metrics: ReadonlyMap<string, number>): boolean {
  return metrics.has('cost_usd') && (metrics.get('cost_unknown_requests') ?? 0) > 0;
}

function duration(metrics: ReadonlyMap<string, number>, name: string): string {
  const value = metrics.get(name);
  return value === undefined ? unknown : toDuration(value);
}

/** The contract of `--json`, docs/formats.md. */
export function toSummaryJson(
  summary: SyncSummary,
  hide: (text: string) => string,
): Record<string, unknown> {
  return {
    command: summary.command,
    project: { id: summary.projectId, name: summary.projectName },
    experiment: {
      id: summary.experimentId,
      name: summary.experimentName,
      started_over: summary.isStartedOver,
    },
    windows: {
      planned: summary.windowsPlanned,
      read: summary.windowsRead,
      published: summary.windowsPublished,
      unchanged: summary.windowsUnchanged,
      suspiciously_empty: summary.suspiciouslyEmpty.map(toWindowLabel),
      failed: summary.failed.map(({ window, error }) => ({
        window: toWindowLabel(window),
        ...toErrorJson(error, hide),
      })),
    },
    closed: toClosedJson(summary.closed),
    rows: {
      read: summary.rows,
      generations: summary.generations,
      quarantined: summary.quarantined,
    },
    left: summary.left.map((error) => toErrorJson(error, hide)),
    calls_pruned: summary.callsPruned,
    lease_taken_from: summary.leaseTakenFrom,
    runs: { ...summary.runs, made_again: summary.runsMadeAgain },
    totals: {
      ...Object.fromEntries(summary.totals.all),
      models: Object.fromEntries(
        summary.totals.models.map(({ model, metrics }) => [model, Object.fromEntries(metrics)]),
      ),
    },
    watermark: toIso(summary.watermarkMs),
    settled_end: toIso(summary.settledEndMs),
    langfuse: summary.langfuse,
    mlflow: summary.mlflow,
    elapsed_ms: summary.elapsedMs,
  };
}
