/** Publishes all runs of one window: its own, its models', the trend points, and the sessions that it touched. */
import { filteredSessions, sessionsOfWindow } from '../store/aggregates.ts';
import pLimit from 'p-limit';
import type { Clock } from '../shared/clock.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import type { ReportProgress, RunCounts } from '../shared/progress.ts';
import { openLedger, type TrendPoint } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { prunedSessionsAmong } from '../store/pruned-groups.ts';
import {
  addSessionChanges,
  clearSessionChanges,
  listSessionChanges,
} from '../store/session-changes.ts';
import { allModels } from '../runs/trend.ts';
import { readShard } from '../store/shard.ts';
import { publishedHashes, putPublication, removePublication } from '../store/targets.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import { describeRequests, describeSessions, describeWindow } from './describe-window.ts';
import type { DescribedSource } from './described-source.ts';
import { earlierPoints } from './earlier-points.ts';
import { refuseEmptiedWindow } from './emptied-window.ts';
import { findRuns } from './find-runs.ts';
import { findLeftSessions } from './left-sessions.ts';
import type { Target } from './ports.ts';
import { publishTraces, type TracePublishing } from './publish-traces.ts';
import { toPublicationHash } from './publication-hash.ts';
import { publishRun } from './publish-run.ts';
import { publishTrendPoint } from './publish-trend.ts';
import type { Publishing, PublishOutcome } from './publishing.ts';
import { removeVanished } from './remove-vanished.ts';
import type { SyncSettings } from './sync-settings.ts';

export interface PublishingParts {
  readonly state: State;
  readonly target: Target;
  readonly targetId: number;
  readonly experimentId: string;
  readonly source: DescribedSource;
  /** Null where no traces are written. */
  readonly tracing: TracePublishing | null;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  /** Throws when another worker has taken over; asked before each write of the ledger. */
  readonly assertHeld: () => void;
}

/**
 * Throws AppError (MLFLOW_*); what was published so far stays, and the next call goes on from there.
 * `looksAgain`: compares with MLflow also what the ledger takes for done, so that deleted runs are made again.
 */
export async function publishWindow(
  parts: PublishingParts,
  row: WindowRow,
  options: { readonly looksAgain: boolean },
): Promise<RunCounts> {
  const { state, target, source } = parts;
  const { looksAgain } = options;
  const ledger = openLedger(state, parts.targetId, parts.assertHeld);
  const interval = toInterval(row);
  refuseEmptiedWindow({ state, ledger }, row);
  const hash = toPublicationHash(state, row, parts.settings);
  const window = describeWindow({ state, ledger, source }, row);
  const { changedSessions, touchedSessions, waitingSessions } = chooseSessions(state, row);
  // Trends span shards, as sessions do: `merge` publishes them.
  const isShard = readShard(state) !== null;
  // Only a part of their rows is left: their runs stay as they are.
  const left = findLeftSessions(
    { state, ledger },
    { source: source.projectId, sessionIds: touchedSessions },
  );
  const sessionIds = touchedSessions.filter((id) => !left.has(id));
  const sessions = describeSessions(state, {
    source,
    windowMs: row.to_ms - row.from_ms,
    sessionIds,
  });
  const requests = parts.settings.requestRuns ? describeRequests(state, source, interval) : [];
  const specs = [window.window, ...window.models, ...window.dimensions, ...sessions, ...requests];
  const trends = isShard ? [] : window.trends;
  const { experimentId } = parts;
  const found = await findRuns(
    { target, ledger, experimentId },
    {
      window: window.window,
      keys: [...specs.map((spec) => spec.key), ...trends.map(({ point }) => point.key)],
      looksAgain,
      isPublished: publishedHashes(state, parts.targetId, source.projectId).has(row.from_ms),
    },
  );
  const publishing: Publishing = {
    target,
    ledger,
    clock: parts.clock,
    experimentId,
    found: found.byKey,
    looksAgain,
    onMadeAgain: (run) => parts.report({ kind: 'run_made_again', window: interval, ...run }),
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
  const listEarlier = (): TrendPoint[] =>
    earlierPoints(ledger, {
      source: source.projectId,
      windowMs: row.to_ms - row.from_ms,
      fromMs: row.from_ms,
      own: source.measures.metrics,
    });
  const publication = {
    targetId: parts.targetId,
    source: source.projectId,
    fromMs: row.from_ms,
  };
  await committedTogether(parts, async () => {
    // A window whose content goes back to what was published must not pass for it after a crash in between.
    parts.assertHeld();
    removePublication(state, publication);
    addSessionChanges(state, source.projectId, waitingSessions);
    for (const run of found.surplus) await target.deleteRun(run.runId);
    await publishAll([window.window]);
    await publishAll(window.models);
    await publishAll(window.dimensions);
    await publishAll(sessions);
    await publishAll(requests);
    await all(
      trends.map(
        ({ model, point }) =>
          () =>
            publishTrendPoint(publishing, {
              source: source.projectId,
              model,
              point,
              windowToMs: row.to_ms,
              earlier: model === allModels ? listEarlier() : [],
            }),
      ),
    );
    deleted = await removeVanished(publishing, {
      row,
      models: window.models,
      dimensions: window.dimensions,
      sessions,
      requests: parts.settings.requestRuns ? requests : null,
      changedSessions: changedSessions.filter((id) => !left.has(id)),
    });
    if (parts.tracing !== null) {
      // After the sessions, to whose runs they belong.
      const traces = await publishTraces(parts.tracing, interval, { looksAgain });
      if (traces.written + traces.deleted > 0)
        parts.report({ kind: 'traces_published', window: interval, traces });
    }
    parts.assertHeld();
    putPublication(state, {
      ...publication,
      hash,
      publishedMs: parts.clock.now(),
    });
    clearSessionChanges(state, source.projectId, changedSessions);
  });
  deleted += found.surplus.length;
  return {
    created: outcomes.filter((outcome) => outcome === 'created').length,
    updated: outcomes.filter((outcome) => outcome === 'updated').length,
    unchanged: outcomes.filter((outcome) => outcome === 'unchanged').length,
    deleted,
  };
}

/** Sessions of the window, those that changed elsewhere, and those that a filter took away. One that was pruned in part waits until it is restored. */
function chooseSessions(
  state: State,
  row: WindowRow,
): Readonly<Record<'changedSessions' | 'touchedSessions' | 'waitingSessions', readonly string[]>> {
  const { source } = row;
  if (readShard(state) !== null)
    return {
      changedSessions: listSessionChanges(state, source),
      touchedSessions: [],
      waitingSessions: [],
    };
  const changed = [
    ...new Set([
      ...listSessionChanges(state, source),
      ...filteredSessions(state, { source, windowFromMs: row.from_ms }),
    ]),
  ];
  const all = [...new Set([...sessionsOfWindow(state, source, row.from_ms), ...changed])].sort();
  const pruned = prunedSessionsAmong(state, source, all);
  return {
    changedSessions: changed.filter((id) => !pruned.has(id)),
    touchedSessions: all.filter((id) => !pruned.has(id)),
    waitingSessions: [...pruned],
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
