/** What `verify` prints: three answers with numbers, and every drift by name. */
import { toVisibleLine } from '../report/visible-text.ts';
import { toCount, toDuration, toUsd } from '../runs/note.ts';
import { allModels } from '../runs/trend.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import type { Difference, ModelTotals, RowDrift, RunDrift, WindowDrift } from '../verify/drift.ts';
import { renderClosed, toClosedJson } from './render-summary.ts';
import type { VerifySummary } from '../verify/run-verify.ts';

/** A drift of a whole lost day has thousands of rows; `--json` has them all. */
const mostShown = 20;
const longestValue = 120;

export function renderVerification(summary: VerifySummary): string {
  const { langfuse, mlflow, repair } = summary;
  const runs = mlflow.findings.map((finding) => finding.drift);
  const strays = runs.filter(isStray);
  const changed = runs.filter((drift) => !isStray(drift));
  const { compared } = mlflow;
  const lines = [
    '',
    `Checked   ${toCount(langfuse.windows)} windows from ${toIso(summary.span.fromMs)} to ${toIso(summary.span.toMs)}, in ${toDuration(summary.elapsedMs)}`,
    ...(summary.pruned.windowsRestored === 0
      ? []
      : [
          `Pruned    ${toCounted(summary.pruned.windowsRestored, 'window')} of these, read again from Langfuse to be compared`,
        ]),
    '',
    `1. Does the state file hold what Langfuse has? ${toLangfuseAnswer(summary)}`,
    `   Langfuse    ${toTotals(langfuse.langfuse)} (${toCount(langfuse.rowsRead)} rows read)`,
    `   state file  ${toTotals(langfuse.state)}`,
    ...langfuse.drift.flatMap(renderWindow),
    ...langfuse.untrusted.flatMap(({ error }) => [
      `   NOT CHECKED ${toVisibleLine(error.message)}`,
      `     next: ${error.hint}`,
    ]),
    '',
    `2. Does MLflow hold what the state file describes? ${toAnswer(changed.length, 'run')}`,
    `   compared    ${toCount(compared.runs)} runs, ${toCount(compared.metrics)} metrics, ${toCount(compared.trendPoints)} trend points, ${toCount(compared.params)} params, ${toCount(compared.tags)} tags, ${toCount(compared.artifacts)} artifacts`,
    ...(mlflow.artifactsNotChecked === null
      ? []
      : [`   NOT CHECKED artifacts: ${toVisibleLine(mlflow.artifactsNotChecked)}`]),
    ...changed.flatMap(renderRun),
    '',
    `3. Are there runs that should not exist? ${strays.length === 0 ? 'No.' : `YES: ${toCount(strays.length)}.`}`,
    ...(mlflow.runsNotChecked === 0
      ? []
      : [
          `   not checked ${toCount(mlflow.runsNotChecked)} runs, of windows outside of the range or that this state file does not hold`,
        ]),
    ...strays.flatMap(renderRun),
  ];
  if (summary.closed !== null) lines.push('', ...renderClosed(summary.closed));
  if (mlflow.notes.length > 0) {
    lines.push('', `Left as it is in ${toCount(mlflow.notes.length)} places:`);
    for (const note of mlflow.notes.slice(0, mostShown)) {
      lines.push(
        `   ${note.grain}${toSubject(note)}, run ${note.runId}: ${toVisibleLine(note.text)}`,
      );
    }
    lines.push(...toMore(mlflow.notes.length));
  }
  lines.push('', ...renderEnd(summary));
  if (repair !== null) lines.push(...repair.left.flatMap(renderRun));
  for (const error of summary.pruned.left)
    lines.push('', `NOT CHECKED ${toVisibleLine(error.message)}`, `  next:   ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

function renderEnd(summary: VerifySummary): string[] {
  const { langfuse, mlflow, repair } = summary;
  if (repair === null) {
    const count = langfuse.drift.length + mlflow.findings.length;
    return count === 0
      ? [isWhole(summary) ? 'No drift.' : 'No drift in what could be compared.']
      : [
          `DRIFT in ${toCounted(langfuse.drift.length, 'window')} and ${toCounted(mlflow.findings.length, 'run')}. Run again with --repair to mend it.`,
        ];
  }
  if (langfuse.drift.length + mlflow.findings.length === 0) {
    return [
      isWhole(summary)
        ? 'No drift, nothing to mend.'
        : 'No drift in what could be compared, nothing to mend.',
    ];
  }
  const lines = [
    `Mended    ${toCounted(repair.windows.length, 'window')} read again, ${toCounted(repair.mended.length, 'run')} put right.`,
  ];
  if (repair.windowsLeft.length > 0) {
    lines.push(
      `NOT MENDED ${repair.windowsLeft.map(toWindowLabel).join(', ')}: Langfuse shows no row there any more. If they were deleted on purpose, run backfill over them.`,
    );
  }
  if (repair.left.length > 0) lines.push(`LEFT      ${toCounted(repair.left.length, 'run')}:`);
  return lines;
}

/** Whether all that was asked for could be compared. */
function isWhole({ pruned, langfuse }: VerifySummary): boolean {
  return pruned.left.length === 0 && langfuse.untrusted.length === 0;
}

export function isStray(drift: RunDrift): boolean {
  return drift.kind === 'duplicate' || drift.kind === 'vanished' || drift.kind === 'unknown';
}

function toLangfuseAnswer({ langfuse }: VerifySummary): string {
  const { drift, untrusted } = langfuse;
  return drift.length === 0 && untrusted.length > 0
    ? `NOT KNOWN for ${toCounted(untrusted.length, 'window')}.`
    : toAnswer(drift.length, 'window');
}

function toAnswer(count: number, noun: string): string {
  return count === 0 ? 'Yes.' : `NO: drift in ${toCounted(count, noun)}.`;
}

function toCounted(count: number, noun: string): string {
  return `${toCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function toTotals(totals: ModelTotals): string {
  const tokens = totals.totalTokens === null ? 'unknown' : toCount(totals.totalTokens);
  const cost = totals.costUsd === null ? 'unknown' : toUsd(totals.costUsd);
  return `${toCount(totals.attempts)} attempts, ${tokens} tokens, cost ${cost}`;
}

function renderWindow(drift: WindowDrift): string[] {
  const label = toWindowLabel(drift.window);
  if (drift.isUnread) return [`   DRIFT       window ${label} was never read`];
  return [
    `   DRIFT       window ${label}${drift.isEmptied ? ': Langfuse shows no row any more' : ''}`,
    ...drift.models.map(
      ({ model, langfuse, state }) =>
        `     model ${toVisibleLine(model)}: Langfuse ${toTotals(langfuse)}; state file ${toTotals(state)}`,
    ),
    ...drift.rows.slice(0, mostShown).flatMap(renderRow),
    ...toMore(drift.rows.length),
  ];
}

function renderRow(row: RowDrift): string[] {
  const trace = row.traceId === null ? '' : ` of trace ${toVisibleLine(row.traceId)}`;
  const said = {
    missing: 'is missing in the state file',
    extra: 'is no longer in Langfuse',
    changed: 'differs',
  }[row.kind];
  return [
    `     ${row.of} ${toVisibleLine(row.id)}${trace} ${said}`,
    ...row.differences.map((difference) => renderDifference(difference, 'Langfuse has')),
  ];
}

function renderRun(drift: RunDrift): string[] {
  const window =
    drift.windowFromMs === null
      ? ''
      : ` of ${toIso(drift.windowFromMs).replace('T00:00:00.000Z', '')}`;
  const run = drift.runId === null ? 'never published' : `run ${drift.runId}`;
  return [
    `   DRIFT       ${drift.kind} ${drift.grain}${toSubject(drift)}${window}, ${run}`,
    ...drift.differences
      .slice(0, mostShown)
      .map((difference) => renderDifference(difference, 'expected')),
    ...toMore(drift.differences.length),
  ];
}

function renderDifference(difference: Difference, verb: string): string {
  return `       ${toVisibleLine(difference.what)}: ${verb} ${toShown(difference.expected)}, found ${toShown(difference.found)}`;
}

function toShown(value: Difference['found']): string {
  if (value === null) return 'none';
  const text = toVisibleLine(String(value));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

function toSubject({ grain, subject }: Pick<RunDrift, 'grain' | 'subject'>): string {
  if (grain === 'trend' && subject === allModels) return ' all models';
  return subject === '' ? '' : ` ${toVisibleLine(subject)}`;
}

function toMore(count: number): string[] {
  return count > mostShown ? [`     and ${toCount(count - mostShown)} more (--json has all)`] : [];
}

/** The contract of `--json`, docs/formats.md. */
export function toVerificationJson(summary: VerifySummary): Record<string, unknown> {
  const { langfuse, mlflow, repair } = summary;
  return {
    command: 'verify',
    project: { id: summary.projectId, name: summary.projectName },
    experiment: { id: summary.experimentId, name: summary.experimentName },
    from: toIso(summary.span.fromMs),
    to: toIso(summary.span.toMs),
    clean: summary.isClean,
    closed: toClosedJson(summary.closed),
    langfuse: {
      windows: langfuse.windows,
      rows_read: langfuse.rowsRead,
      totals: { langfuse: toTotalsJson(langfuse.langfuse), state: toTotalsJson(langfuse.state) },
      drift: langfuse.drift.map((drift) => ({
        window: toWindowLabel(drift.window),
        unread: drift.isUnread,
        emptied: drift.isEmptied,
        models: drift.models.map((one) => ({
          model: one.model,
          langfuse: toTotalsJson(one.langfuse),
          state: toTotalsJson(one.state),
        })),
        rows: drift.rows.map((row) => ({
          of: row.of,
          kind: row.kind,
          trace_id: row.traceId,
          id: row.id,
          differences: row.differences,
        })),
      })),
      not_trusted: langfuse.untrusted.map(({ window, error }) => ({
        window: toWindowLabel(window),
        code: error.code,
        message: error.message,
        next: error.hint,
      })),
    },
    mlflow: {
      compared: {
        runs: mlflow.compared.runs,
        metrics: mlflow.compared.metrics,
        trend_points: mlflow.compared.trendPoints,
        params: mlflow.compared.params,
        tags: mlflow.compared.tags,
        artifacts: mlflow.compared.artifacts,
      },
      artifacts_not_checked: mlflow.artifactsNotChecked,
      runs_not_checked: mlflow.runsNotChecked,
      drift: mlflow.findings.map((finding) => toRunJson(finding.drift)),
      notes: mlflow.notes.map((note) => ({
        run_id: note.runId,
        grain: note.grain,
        subject: note.subject,
        text: note.text,
      })),
    },
    pruned: {
      windows_restored: summary.pruned.windowsRestored,
      left: summary.pruned.left.map((error) => ({
        code: error.code,
        message: error.message,
        next: error.hint,
      })),
    },
    repair:
      repair === null
        ? null
        : {
            windows_read_again: repair.windows.map(toWindowLabel),
            windows_left: repair.windowsLeft.map(toWindowLabel),
            mended: repair.mended.map(toRunJson),
            left: repair.left.map(toRunJson),
          },
    elapsed_ms: summary.elapsedMs,
  };
}

function toTotalsJson(totals: ModelTotals): Record<string, number | null> {
  return {
    attempts: totals.attempts,
    total_tokens: totals.totalTokens,
    cost_usd: totals.costUsd,
  };
}

function toRunJson(drift: RunDrift): Record<string, unknown> {
  return {
    kind: drift.kind,
    grain: drift.grain,
    window: drift.windowFromMs === null ? null : toIso(drift.windowFromMs),
    subject: drift.subject,
    key: drift.key,
    run_id: drift.runId,
    differences: drift.differences,
  };
}
