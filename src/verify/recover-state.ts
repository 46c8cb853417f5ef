/**
 * Rebuilds what a lost state file knew of MLflow, from the tags, params and metrics of the runs themselves: the
 * ledger and the trend points. What only Langfuse has (rows, texts, scores) is read again by the next `sync`, from
 * the first window that MLflow holds on; runs that come out as they are in MLflow are left alone.
 */
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { parseInstant, toInstant, toIso, type InstantMs } from '../shared/time.ts';
import {
  completeTag,
  hashTag,
  keyTag,
  parentTag,
  revisionTag,
  sourceTag,
  tableListTag,
  tagPrefix,
} from '../runs/tags.ts';
import type { Grain } from '../runs/run-spec.ts';
import { closeDays, closedBefore } from '../store/closed-days.ts';
import { assertShard } from '../store/shard.ts';
import { openLedger, type LedgerEntry, type TrendPoint } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { putRecovery } from '../store/recoveries.ts';
import { bindTarget, forgetPublished } from '../store/targets.ts';
import { bindSource, forgetSource, listWindows } from '../store/windows.ts';
import { assertSameProject } from '../sync/assert-same-project.ts';
import { keepLease } from '../sync/keep-lease.ts';
import type { Source, StoredRun, Target } from '../sync/ports.ts';
import type { SyncSettings } from '../sync/sync-settings.ts';
import { chooseRun } from './mlflow-place.ts';
import { readTrendPoints } from './read-trend-points.ts';
import { toStoredGrain, toStoredSubject, toStoredWindow } from './stored-window.ts';

export interface RecoverParts {
  readonly state: State;
  readonly source: Source;
  readonly target: Target;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  /** Who holds the lease, for messages. */
  readonly holder: string;
}

export interface RecoverSummary {
  readonly projectId: string;
  readonly projectName: string | null;
  readonly experimentName: string;
  readonly experimentId: string;
  /** Runs that the ledger knows again, by grain. */
  readonly runs: Readonly<Record<Grain, number>>;
  readonly trendPoints: number;
  /** Runs that were never finished: the next sync finishes them. */
  readonly incomplete: number;
  /** Second runs of a key, which `verify --repair` deletes. */
  readonly duplicates: number;
  /** Runs of the project that lack the tags or params to tell what they are. */
  readonly notUnderstood: readonly { readonly runId: string; readonly name: string }[];
  readonly windows: number;
  readonly firstWindowMs: InstantMs;
  /** End of the last window that MLflow holds. */
  readonly lastWindowEndMs: InstantMs;
  readonly requests: number;
  /** What is closed now: how much of the above lies before it. Null where nothing is. */
  readonly closed: {
    readonly beforeMs: InstantMs;
    readonly windows: number;
    readonly sessions: number;
    readonly runs: number;
  } | null;
}

export interface RecoverRequest {
  /** Closes what lies before: kept in MLflow as it is, never read or published again. Null: what was closed stays so. */
  readonly sinceMs: number | null;
}

/**
 * Throws USAGE when the experiment holds no run of the project, SETTINGS_INVALID when its windows have another
 * size than SYNC_WINDOW, USAGE for a `sinceMs` in the future, STATE_BUSY, LANGFUSE_WRONG_PROJECT, MLFLOW_*. Writes nothing to MLflow, and the state in
 * one transaction at the end.
 */
export async function recoverState(
  parts: RecoverParts,
  request: RecoverRequest,
): Promise<RecoverSummary> {
  const { state, source, target, settings, clock } = parts;
  const { description } = source;
  assertSameProject(state, description.projectId);
  assertShard(state, null);
  assertPast(request, clock.now());
  using lease = keepLease(state, parts);
  const requestsBefore = target.traffic.requests;
  const experiment = await target.findExperiment(settings.experimentName);
  const runs = experiment === null ? [] : await listOwn(parts, experiment.experimentId);
  if (experiment === null || runs.length === 0) {
    throw new AppError(
      'USAGE',
      `There is nothing to recover: the experiment ${settings.experimentName} at ${target.description.uri} holds no run of Langfuse project ${description.projectId}.`,
      {
        hint: 'Run `langfuse-mlflow sync`, or name the experiment that holds the runs with MLFLOW_EXPERIMENT_NAME.',
      },
    );
  }
  assertSameWindows(runs, settings.windowMs);
  const recovered = await recover(parts, runs);
  const windowStarts = recovered.entries
    .filter((entry) => entry.grain === 'window')
    .map((entry) => entry.windowFromMs ?? 0);
  if (windowStarts.length === 0) {
    throw new AppError(
      'USAGE',
      `There is nothing to recover: the experiment ${settings.experimentName} holds runs of Langfuse project ${description.projectId}, but no run of a window that tells which one it is.`,
    );
  }
  lease.assertHeld();
  const firstWindowMs = windowStarts.reduce((first, fromMs) => Math.min(first, fromMs));
  const lastWindowEndMs =
    windowStarts.reduce((last, fromMs) => Math.max(last, fromMs)) + settings.windowMs;
  const closedBeforeMs = request.sinceMs ?? closedBefore(state, description.projectId);
  write(parts, { experiment, firstWindowMs, lastWindowEndMs, closedBeforeMs, ...recovered });
  const count = (grain: Grain): number =>
    recovered.entries.filter((entry) => entry.grain === grain).length;
  return {
    projectId: description.projectId,
    projectName: description.projectName,
    experimentName: experiment.name,
    experimentId: experiment.experimentId,
    runs: {
      window: count('window'),
      model: count('model'),
      session: count('session'),
      trend: count('trend'),
      request: count('request'),
      dimension: count('dimension'),
    },
    trendPoints: recovered.points.length,
    incomplete: recovered.entries.filter((entry) => entry.state !== 'done').length,
    duplicates: recovered.duplicates,
    notUnderstood: recovered.notUnderstood,
    windows: windowStarts.length,
    firstWindowMs: toInstant(firstWindowMs),
    lastWindowEndMs: toInstant(lastWindowEndMs),
    requests: target.traffic.requests - requestsBefore,
    closed: toClosed(recovered.entries, closedBeforeMs),
  };
}

/** Throws USAGE: nothing of the future can be closed. */
function assertPast({ sinceMs }: RecoverRequest, nowMs: number): void {
  if (sinceMs === null || sinceMs <= nowMs) return;
  throw new AppError('USAGE', `--since ${toIso(toInstant(sinceMs))} is in the future.`, {
    hint: 'Give the first day that Langfuse still has whole.',
  });
}

function toClosed(
  entries: readonly LedgerEntry[],
  beforeMs: number | null,
): RecoverSummary['closed'] {
  if (beforeMs === null) return null;
  const closed = entries.filter((entry) => (entry.windowFromMs ?? beforeMs) < beforeMs);
  const count = (grain: Grain): number => closed.filter((entry) => entry.grain === grain).length;
  return {
    beforeMs: toInstant(beforeMs),
    windows: count('window'),
    sessions: count('session'),
    runs: closed.length,
  };
}

async function listOwn(parts: RecoverParts, experimentId: string): Promise<StoredRun[]> {
  const own: StoredRun[] = [];
  for await (const run of parts.target.listRuns(experimentId)) {
    parts.signal.throwIfAborted();
    if (run.tags[sourceTag] === parts.source.description.projectId) own.push(run);
  }
  return own;
}

/** Throws SETTINGS_INVALID: keys and steps of runs depend on the size of windows. */
function assertSameWindows(runs: readonly StoredRun[], windowMs: number): void {
  for (const run of runs) {
    if (toStoredGrain(run) !== 'window') continue;
    const from = parseInstant(run.params['window_from'] ?? '');
    const to = parseInstant(run.params['window_to'] ?? '');
    if (from === null || to === null || to - from === windowMs) continue;
    throw new AppError(
      'SETTINGS_INVALID',
      `SYNC_WINDOW is ${windowMs / 3_600_000} h, but the runs in MLflow are of windows of ${(to - from) / 3_600_000} h (${run.name} from ${toIso(from)}). Set SYNC_WINDOW to that size.`,
      { details: { runId: run.runId } },
    );
  }
}

interface Recovered {
  readonly entries: readonly LedgerEntry[];
  readonly points: readonly TrendPoint[];
  readonly duplicates: number;
  readonly notUnderstood: RecoverSummary['notUnderstood'];
}

async function recover(parts: RecoverParts, runs: readonly StoredRun[]): Promise<Recovered> {
  const byKey = new Map<string, StoredRun[]>();
  for (const run of runs) {
    const key = run.tags[keyTag] ?? '';
    byKey.set(key, [...(byKey.get(key) ?? []), run]);
  }
  const entries: LedgerEntry[] = [];
  const points: TrendPoint[] = [];
  const notUnderstood: RecoverSummary['notUnderstood'][number][] = [];
  for (const [key, ofKey] of byKey) {
    parts.signal.throwIfAborted();
    const run = chooseRun(ofKey, null);
    if (run === null) continue;
    const entry = toLedgerEntry(parts, run, key);
    if (entry === null) {
      notUnderstood.push({ runId: run.runId, name: run.name });
      continue;
    }
    entries.push(entry);
    if (entry.grain !== 'trend') continue;
    const trend = { run, key, source: entry.source, model: entry.subject };
    points.push(
      ...(await readTrendPoints(parts.target, {
        ...trend,
        windowMs: parts.settings.windowMs,
        own: parts.settings.measures.metrics,
      })),
    );
  }
  return { entries, points, duplicates: runs.length - byKey.size, notUnderstood };
}

/** Null where the run does not tell what it is. */
function toLedgerEntry(parts: RecoverParts, run: StoredRun, key: string): LedgerEntry | null {
  const grain = toStoredGrain(run);
  const subject = toStoredSubject(run);
  const windowFromMs = toStoredWindow(run);
  if (grain === null || subject === null) return null;
  if (windowFromMs === null && grain !== 'trend') return null;
  const revision = Number(run.tags[revisionTag] ?? 0);
  return {
    key,
    source: parts.source.description.projectId,
    grain,
    windowFromMs: grain === 'trend' ? null : windowFromMs,
    subject,
    state: run.tags[completeTag] === 'true' ? 'done' : 'writing',
    runId: run.runId,
    artifactUri: run.artifactUri,
    revision: Number.isSafeInteger(revision) && revision >= 0 ? revision : 0,
    hash: run.tags[hashTag] ?? '',
    parentRunId: run.tags[parentTag] ?? null,
    // The numbers of a trend are its points, which are kept apart.
    metrics: Object.fromEntries(
      Object.entries(run.metrics).filter(([, value]) => grain !== 'trend' && !Number.isNaN(value)),
    ),
    // What they were made of is not known: they are put again when the run is written for another reason.
    artifacts: {},
    tags: Object.keys(run.tags).filter(isWrittenTag),
  };
}

/** Names without the worker's prefix that a spec may have (src/runs): other tags belong to people. */
const plainTags = new Set([
  'project',
  'model_provider',
  'model_raw',
  'models',
  'user_id',
  'api_key_alias',
  'team_alias',
  'client_tool',
  'status',
  'error_type',
  'model_group',
  'request_id',
  'litellm_call_id',
  'session_id',
  'cache_hit',
  'cost_source',
  'environment',
  'release',
  'prompt_name',
  'prompt_version',
  'mlflow.note.content',
  'mlflow.source.name',
  'mlflow.source.type',
  'mlflow.user',
  parentTag,
  tableListTag,
]);

/** Hash and completion are written apart from the others. */
function isWrittenTag(tag: string): boolean {
  if (tag === hashTag || tag === completeTag) return false;
  return tag.startsWith(tagPrefix) || plainTags.has(tag);
}

function write(
  parts: RecoverParts,
  recovered: Recovered & {
    readonly experiment: { readonly experimentId: string; readonly name: string };
    readonly firstWindowMs: number;
    readonly lastWindowEndMs: number;
    readonly closedBeforeMs: number | null;
  },
): void {
  const { state, source, target, settings, clock } = parts;
  const { description } = source;
  const { closedBeforeMs } = recovered;
  const firstMs = Math.max(closedBeforeMs ?? 0, recovered.firstWindowMs);
  state.db
    .transaction(() => {
      // On an empty state MLflow knows better than the settings where the traffic began.
      if (listWindows(state, description.projectId).length === 0) {
        forgetSource(state, description.projectId);
      }
      bindSource(state, {
        source: description.projectId,
        name: description.projectName,
        baseUrl: description.baseUrl,
        windowMs: settings.windowMs,
        startMs: firstMs,
      });
      if (closedBeforeMs !== null) {
        const closing = { beforeMs: closedBeforeMs, startMs: firstMs };
        closeDays(state, { source: description.projectId, ...closing });
      }
      const targetId = bindTarget(state, {
        uri: target.description.uri,
        experimentName: recovered.experiment.name,
        experimentId: recovered.experiment.experimentId,
      });
      forgetPublished(state, targetId);
      const ledger = openLedger(state, targetId);
      for (const entry of recovered.entries) ledger.put(entry, clock.now());
      for (const point of recovered.points) ledger.putPoint(point);
      putRecovery(state, {
        targetId,
        source: description.projectId,
        fromMs: firstMs,
        toMs: Math.max(firstMs, recovered.lastWindowEndMs),
      });
    })
    .immediate();
}
