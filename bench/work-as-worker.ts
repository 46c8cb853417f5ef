/** The worker itself, put together as its commands do, with all settings at their defaults but for those named here. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toSyncSettings,
} from '../src/app.ts';
import { openMeasureChecks } from '../src/app-measures.ts';
import { parseSettings } from '../src/config/parse-settings.ts';
import { toInstant } from '../src/shared/time.ts';
import type { State } from '../src/store/open-state.ts';
import { bindSource } from '../src/store/windows.ts';
import { readWindow } from '../src/sync/read-whole-window.ts';
import { runSync, type SyncParts, type SyncSummary } from '../src/sync/run-sync.ts';
import { createBenchClock } from './bench-clock.ts';
import { dayMs, type Aggregates, type Task } from './figures.ts';

export interface Worked {
  readonly aggregates: Aggregates | null;
  readonly notes: Readonly<Record<string, number>>;
}

/** Reads, understands, stages and folds every window; publishes nothing. */
export async function readAsWorker(task: Task): Promise<Worked> {
  await using opened = await openWorker(task);
  const { parts } = opened;
  const { description } = parts.source;
  bindSource(parts.state, {
    source: description.projectId,
    name: description.projectName,
    baseUrl: description.baseUrl,
    windowMs: dayMs,
    startMs: toInstant(task.fromMs),
  });
  for (let day = 0; day < task.days; day += 1) {
    const fromMs = toInstant(task.fromMs + day * dayMs);
    await readWindow(
      { ...parts, assertHeld: () => undefined },
      { fromMs, toMs: toInstant(fromMs + dayMs) },
    );
  }
  return { aggregates: aggregatesOf(parts.state, task), notes: { stateBytes: sizeOf(task) } };
}

/** A whole run: reads, aggregates and publishes. */
export async function syncAsWorker(task: Task): Promise<Worked> {
  await using opened = await openWorker(task);
  let artifacts = 0;
  const target: SyncParts['target'] = {
    ...opened.target,
    // Its counts and description change while it works.
    get description() {
      return opened.target.description;
    },
    get traffic() {
      return opened.target.traffic;
    },
    putArtifact: (artifact) => {
      artifacts += 1;
      return opened.target.putArtifact(artifact);
    },
  };
  const summary = await runSync({ ...opened.parts, target }, { kind: 'sync' });
  const [failure] = summary.failed;
  if (failure !== undefined) throw failure.error;
  return {
    aggregates: aggregatesOf(opened.parts.state, task),
    notes: { ...toNotes(task, summary), artifacts },
  };
}

function toNotes(task: Task, summary: SyncSummary): Record<string, number> {
  const { created, updated, unchanged } = summary.runs;
  return {
    stateBytes: sizeOf(task),
    created,
    updated,
    unchanged,
    writes: summary.mlflow.writes,
  };
}

export async function openWorker(
  task: Task,
): Promise<AsyncDisposable & { readonly parts: SyncParts; readonly target: SyncParts['target'] }> {
  const clock = createBenchClock(task);
  using checks = openMeasureChecks();
  const { settings, secrets } = parseSettings({
    command: 'sync',
    flags: {},
    env: {
      LANGFUSE_BASE_URL: task.url,
      LANGFUSE_PUBLIC_KEY: task.publicKey,
      LANGFUSE_SECRET_KEY: task.secretKey,
      MLFLOW_TRACKING_URI: task.mlflowUrl ?? `sqlite:///${join(task.folder, 'mlflow.db')}`,
      MLFLOW_EXPERIMENT_NAME: `bench ${task.folder}`,
      SYNC_START: new Date(task.fromMs).toISOString(),
      SYNC_STATE_FILE: toStateFile(task),
      SYNC_CONTENT: task.withText ? 'all' : 'off',
      SYNC_LANGFUSE_CONCURRENCY: String(task.concurrency),
      SYNC_LOOKBACK: `${task.days}d`,
    },
    readFile: () => {
      throw new Error('no setting of the bench is in a file');
    },
    now: clock.now(),
    measureChecks: checks.checks,
  });
  const signal = new AbortController().signal;
  const around = { settings, secrets, clock, signal, onNotice: () => undefined };
  const source = await openConfiguredSource(around);
  const target = await openConfiguredTarget(around);
  const state = openConfiguredState(settings);
  const parts: SyncParts = {
    state,
    source,
    target,
    settings: toSyncSettings(settings, secrets),
    clock,
    report: () => undefined,
    signal,
    holder: 'bench',
  };
  return {
    parts,
    target,
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    },
  };
}

const toStateFile = (task: Task): string => join(task.folder, 'state.db');
const sizeOf = (task: Task): number => statSync(toStateFile(task)).size;

function aggregatesOf(state: State, task: Task): Aggregates {
  return state.db
    .prepare(
      `SELECT COUNT(*) AS calls, SUM(start_ms - ?) AS startSumMs, SUM(COALESCE(end_ms - start_ms, 0)) AS durationSumMs
       FROM facts`,
    )
    .get(task.fromMs) as Aggregates;
}
