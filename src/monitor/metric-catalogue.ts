/** Every metric that the worker exports. Pure: the text is made of it by prom-client. */
import type { MonitorMemory } from './memory.ts';
import { monitoredCommands, type RunReport } from './run-report.ts';

/** What is told at a moment. */
export interface MetricSource {
  readonly memory: MonitorMemory;
  readonly nowMs: number;
  readonly version: string;
  /** Null outside of `schedule`. */
  readonly schedule: {
    readonly isRunning: boolean;
    readonly nextMs: number | null;
    readonly skipped: number;
    /** Runs since the start, by exit code. */
    readonly runs: ReadonlyMap<number, number>;
  } | null;
}

interface Value {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ExportedMetric {
  /** Without the prefix `langfuse_mlflow_`. */
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly help: string;
  /** What is not known has no value: it is left out and never 0. */
  readonly read: (source: MetricSource) => readonly Value[];
}

export const metricPrefix = 'langfuse_mlflow_';

/** One value for the last run of each command. */
function ofRuns(read: (run: RunReport) => number | null | undefined): ExportedMetric['read'] {
  return ofRunParts((run) => {
    const value = read(run);
    return value === null || value === undefined ? [] : [{ labels: {}, value }];
  });
}

function ofRunParts(read: (run: RunReport) => readonly Value[]): ExportedMetric['read'] {
  return ({ memory }) =>
    monitoredCommands.flatMap((command) => {
      const run = memory.runs[command];
      const values = run === undefined ? [] : read(run);
      return values.map(({ labels, value }) => ({ labels: { command, ...labels }, value }));
    });
}

function byOutcome(counts: Readonly<Record<string, number>> | undefined): Value[] {
  return Object.entries(counts ?? {}).map(([outcome, value]) => ({ labels: { outcome }, value }));
}

/** The state file as the newest run left it: whichever command that was. */
function newest({ memory }: MetricSource): RunReport['standing'] {
  const known = monitoredCommands.flatMap((command) => memory.runs[command] ?? []);
  const sorted = known.toSorted((a, b) => b.endMs - a.endMs);
  return sorted.find((run) => run.standing !== null)?.standing ?? null;
}

function ofStanding(
  read: (standing: NonNullable<RunReport['standing']>, nowMs: number) => number | null,
): ExportedMetric['read'] {
  return (source) => {
    const standing = newest(source);
    const value = standing === null ? null : read(standing, source.nowMs);
    return value === null ? [] : [{ labels: {}, value }];
  };
}

function ofSchedule(
  read: (schedule: NonNullable<MetricSource['schedule']>) => readonly Value[],
): ExportedMetric['read'] {
  return ({ schedule }) => (schedule === null ? [] : read(schedule));
}

const gauge = (
  name: string,
  help: string,
  read: ExportedMetric['read'],
  labels: readonly string[] = [],
): ExportedMetric => ({ name, type: 'gauge', labels, help, read });

export const exportedMetrics: readonly ExportedMetric[] = [
  gauge(
    'build_info',
    'The version of the worker, as a label; always 1.',
    ({ version }) => [{ labels: { version }, value: 1 }],
    ['version'],
  ),
  gauge(
    'last_success_timestamp_seconds',
    'When a run of the command last ended with exit code 0.',
    ({ memory }) =>
      monitoredCommands.flatMap((command) => {
        const lastMs = memory.last_success_ms[command];
        return lastMs === undefined ? [] : [{ labels: { command }, value: lastMs / 1000 }];
      }),
    ['command'],
  ),
  gauge(
    'last_run_exit_code',
    'Exit code of the last run.',
    ofRuns((run) => run.exitCode),
    ['command'],
  ),
  gauge(
    'last_run_start_timestamp_seconds',
    'When the last run began.',
    ofRuns((run) => run.startMs / 1000),
    ['command'],
  ),
  gauge(
    'last_run_end_timestamp_seconds',
    'When the last run ended, however it ended.',
    ofRuns((run) => run.endMs / 1000),
    ['command'],
  ),
  gauge(
    'last_run_duration_seconds',
    'How long the last run took.',
    ofRuns((run) => (run.endMs - run.startMs) / 1000),
    ['command'],
  ),
  gauge(
    'last_run_windows',
    'Windows of the last run: changed (new or changed, and published), unchanged, failed.',
    ofRunParts((run) => byOutcome(run.figures.windows)),
    ['command', 'outcome'],
  ),
  gauge(
    'last_run_rows',
    'Rows that the last run read from Langfuse.',
    ofRuns((run) => run.figures.rows),
    ['command'],
  ),
  gauge(
    'last_run_generations',
    'LiteLLM calls among the rows of the last run.',
    ofRuns((run) => run.figures.generations),
    ['command'],
  ),
  gauge(
    'last_run_mlflow_runs',
    'MLflow runs that the last run created, updated, deleted, or found unchanged.',
    ofRunParts((run) => byOutcome(run.figures.mlflowRuns)),
    ['command', 'outcome'],
  ),
  gauge(
    'last_run_api_calls',
    'Requests of the last run, each attempt, by the HTTP status of the answer; none: no answer came.',
    ofRunParts((run) =>
      run.calls.map(({ api, status, calls }) => ({ labels: { api, status }, value: calls })),
    ),
    ['command', 'api', 'status'],
  ),
  gauge(
    'last_run_rate_limited_calls',
    'Answers of the last run with status 429.',
    ofRunParts((run) =>
      (['langfuse', 'mlflow'] as const).map((api) => ({
        labels: { api },
        value: run.calls.find((one) => one.api === api && one.status === '429')?.calls ?? 0,
      })),
    ),
    ['command', 'api'],
  ),
  gauge(
    'last_run_retries',
    'Requests that the last run sent again.',
    ofRunParts(({ figures: { retries } }) =>
      retries === undefined
        ? []
        : Object.entries(retries).map(([api, value]) => ({ labels: { api }, value })),
    ),
    ['command', 'api'],
  ),
  gauge(
    'last_run_wait_seconds',
    'How long the last run waited for Langfuse: rate limits, and before retries.',
    ofRuns(({ figures: { waitedMs } }) => (waitedMs === undefined ? null : waitedMs / 1000)),
    ['command'],
  ),
  gauge(
    'drift_windows',
    'Windows in which the last verify found the state file other than Langfuse.',
    ofRuns((run) => run.figures.drift?.windows),
    ['command'],
  ),
  gauge(
    'drift_runs',
    'MLflow runs that the last verify found other than described, and left so.',
    ofRuns((run) => run.figures.drift?.runs),
    ['command'],
  ),
  gauge(
    'watermark_timestamp_seconds',
    'Everything before this is published: the end of the unbroken run of finished windows.',
    ofStanding(({ watermarkMs }) => (watermarkMs === null ? null : watermarkMs / 1000)),
  ),
  gauge(
    'lag_seconds',
    'How far the watermark lies behind now: when the metrics were asked for, or written.',
    ofStanding(({ watermarkMs }, nowMs) =>
      watermarkMs === null ? null : Math.max(0, nowMs - watermarkMs) / 1000,
    ),
  ),
  gauge(
    'behind_seconds',
    'Settled time that the last run left unpublished; 0 when nothing is due.',
    ofStanding(({ behindMs }) => (behindMs === null ? null : behindMs / 1000)),
  ),
  gauge(
    'quarantined_rows',
    'Rows that are set aside since they could not be read or understood.',
    ofStanding(({ quarantinedRows }) => quarantinedRows),
  ),
  gauge(
    'schedule_next_run_timestamp_seconds',
    'When the scheduler starts next.',
    ofSchedule(({ nextMs }) => (nextMs === null ? [] : [{ labels: {}, value: nextMs / 1000 }])),
  ),
  gauge(
    'schedule_running',
    '1 while a run of the scheduler goes on.',
    ofSchedule(({ isRunning }) => [{ labels: {}, value: isRunning ? 1 : 0 }]),
  ),
  {
    name: 'schedule_skipped_starts_total',
    type: 'counter',
    labels: [],
    help: 'Starts left out since the run before was still going on.',
    read: ofSchedule(({ skipped }) => [{ labels: {}, value: skipped }]),
  },
  {
    name: 'schedule_runs_total',
    type: 'counter',
    labels: ['exit_code'],
    help: 'Runs of this scheduler since it was started.',
    read: ofSchedule(({ runs }) =>
      [...runs].map(([code, value]) => ({ labels: { exit_code: String(code) }, value })),
    ),
  },
];
