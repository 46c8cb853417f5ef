/** Publishes all runs of one window: its own, its models', the trend points, and the sessions that it touched. */
import pLimit from 'p-limit';
import type { Clock } from '../shared/clock.ts';
import { toRunKey } from '../runs/run-key.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { toTrendPoint } from '../runs/trend.ts';
import type { RunCounts } from '../shared/progress.ts';
import { openLedger, type Ledger, type LedgerEntry } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { clearSessionChanges, listSessionChanges } from '../store/session-changes.ts';
import { putPublication } from '../store/targets.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import {
  describeRequests,
  describeSessions,
  describeWindow,
  sessionsToDescribe,
  type DescribedSource,
} from './describe-window.ts';
import type { StoredRun, Target } from './ports.ts';
import { publishRun, type Publishing, type PublishOutcome } from './publish-run.ts';
import { publishTrendPoint } from './publish-trend.ts';
import type { SyncSettings } from './sync-settings.ts';

export interface PublishingParts {
  readonly state: State;
  readonly target: Target;
  readonly targetId: number;
  readonly experimentId: string;
  readonly source: DescribedSource;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Hash under which a window is published: what it holds and the settings that shape its runs. */
export function toPublicationHash(row: WindowRow, settings: SyncSettings): string {
  return `${row.input_hash}${settings.requestRuns ? '+requests' : ''}`;
}

/** Throws AppError (MLFLOW_*); what was published so far stays, and the next call goes on from there. */
export async function publishWindow(parts: PublishingParts, row: WindowRow): Promise<RunCounts> {
  const { state, target, source } = parts;
  const ledger = openLedger(state, parts.targetId);
  const interval = toInterval(row);
  const window = describeWindow(state, source, row);
  const changedSessions = listSessionChanges(state, source.projectId);
  const sessionIds = [
    ...new Set([...sessionsToDescribe(state, source.projectId, row.from_ms), ...changedSessions]),
  ].sort();
  const sessions = describeSessions(state, {
    source,
    windowMs: row.to_ms - row.from_ms,
    sessionIds,
  });
  const requests = parts.settings.requestRuns ? describeRequests(state, source, interval) : [];
  const specs = [
    window.window,
    ...window.models.map((model) => model.run),
    ...sessions,
    ...requests,
  ];
  const publishing: Publishing = {
    target,
    ledger,
    clock: parts.clock,
    experimentId: parts.experimentId,
    found: await findRuns(
      parts,
      ledger,
      specs,
      window.models.map((model) => model.trend.key),
    ),
  };

  const outcomes: PublishOutcome[] = [];
  let deleted = 0;
  const limit = pLimit(target.description.kind === 'local' ? 1 : parts.settings.publishConcurrency);
  const all = async (steps: readonly (() => Promise<PublishOutcome>)[]): Promise<void> => {
    // The first failure stops what has not begun, and is told when what had begun has ended: nothing goes on
    // writing behind the caller's back.
    const stop = new AbortController();
    const signal = AbortSignal.any([parts.signal, stop.signal]);
    const results = await Promise.allSettled(
      steps.map((step) =>
        limit(async () => {
          signal.throwIfAborted();
          try {
            return await step();
          } catch (error) {
            stop.abort(error);
            throw error;
          }
        }),
      ),
    );
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
      outcomes.push(result.value);
    }
  };
  const publishAll = (runs: readonly RunSpec[]): Promise<void> =>
    all(runs.map((spec) => () => publishRun(publishing, spec)));
  await committedTogether(parts, async () => {
    await publishAll([window.window]);
    await publishAll(window.models.map((model) => model.run));
    await publishAll(sessions);
    await publishAll(requests);
    await all(
      window.models.map(
        (model) => () =>
          publishTrendPoint(publishing, {
            source: source.projectId,
            model: model.model,
            point: model.trend,
            windowToMs: row.to_ms,
          }),
      ),
    );
    deleted = await removeVanished(publishing, {
      row,
      window,
      sessions,
      requests,
      changedSessions,
    });
    putPublication(state, {
      targetId: parts.targetId,
      source: source.projectId,
      fromMs: row.from_ms,
      hash: toPublicationHash(row, parts.settings),
      publishedMs: parts.clock.now(),
    });
    clearSessionChanges(state, source.projectId, changedSessions);
  });
  return {
    created: outcomes.filter((outcome) => outcome === 'created').length,
    updated: outcomes.filter((outcome) => outcome === 'updated').length,
    unchanged: outcomes.filter((outcome) => outcome === 'unchanged').length,
    deleted,
  };
}

/**
 * A local store commits a window's writes together, so the ledger must not be ahead of it: both commit at the
 * end, the store first. To a server each ledger row is written at once, ahead of the call that it is about.
 */
async function committedTogether(parts: PublishingParts, work: () => Promise<void>): Promise<void> {
  if (parts.target.description.kind !== 'local') {
    await work();
    return;
  }
  const { db } = parts.state;
  db.exec('BEGIN IMMEDIATE');
  try {
    await parts.target.batched(work);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Runs that MLflow has and the ledger is not sure of: those whose create was not answered, and, when the ledger
 * has never heard of the window though MLflow has (state lost, or another worker's state), all of them.
 */
async function findRuns(
  parts: PublishingParts,
  ledger: Ledger,
  specs: readonly RunSpec[],
  trendKeys: readonly string[],
): Promise<ReadonlyMap<string, StoredRun>> {
  const keys = [...specs.map((spec) => spec.key), ...trendKeys];
  const entries = new Map(keys.map((key) => [key, ledger.get(key)]));
  const unsure = keys.filter((key) => entries.get(key)?.state === 'creating');
  const [windowSpec] = specs;
  const find = async (wanted: readonly string[]): Promise<StoredRun[]> =>
    wanted.length === 0 ? [] : parts.target.findRunsByKey(parts.experimentId, wanted);
  let found = await find(
    windowSpec !== undefined && entries.get(windowSpec.key) === null
      ? [...unsure, windowSpec.key]
      : unsure,
  );
  if (
    windowSpec !== undefined &&
    found.some((run) => run.tags['langfuse_mlflow.key'] === windowSpec.key)
  ) {
    found = [...found, ...(await find(keys.filter((key) => entries.get(key) === null)))];
  }
  return new Map(
    found
      .toSorted((a, b) => (a.runId < b.runId ? 1 : -1))
      .map((run) => [run.tags['langfuse_mlflow.key'] ?? '', run]),
  );
}

/** Deletes the runs whose rows are gone from Langfuse, and retracts their trend points. Returns how many. */
async function removeVanished(
  publishing: Publishing,
  now: {
    readonly row: WindowRow;
    readonly window: ReturnType<typeof describeWindow>;
    readonly sessions: readonly RunSpec[];
    readonly requests: readonly RunSpec[];
    readonly changedSessions: readonly string[];
  },
): Promise<number> {
  const { ledger } = publishing;
  const { source, from_ms } = now.row;
  const gone = (grain: string, kept: ReadonlySet<string>): LedgerEntry[] =>
    ledger.ofWindow(source, grain, from_ms).filter((entry) => !kept.has(entry.key));

  const models = gone('model', keysOf(now.window.models.map((model) => model.run)));
  for (const entry of models) {
    await publishTrendPoint(publishing, {
      source,
      model: entry.subject,
      point: toTrendPoint({
        source,
        model: entry.subject,
        interval: toInterval(now.row),
        metrics: new Map(),
      }),
      windowToMs: now.row.to_ms,
    });
  }
  const kept = keysOf(now.sessions);
  const emptied = now.changedSessions
    .map((sessionId) => ledger.get(toRunKey({ source, grain: 'session', subject: sessionId })))
    .filter((entry): entry is LedgerEntry => entry !== null && !kept.has(entry.key));
  const requests = now.requests.length > 0 ? gone('request', keysOf(now.requests)) : [];
  const vanished = [...models, ...emptied, ...requests];
  for (const entry of vanished) {
    if (entry.runId !== null) await publishing.target.deleteRun(entry.runId);
    ledger.remove(entry.key);
  }
  return vanished.length;
}

function keysOf(specs: readonly RunSpec[]): Set<string> {
  return new Set(specs.map((spec) => spec.key));
}
