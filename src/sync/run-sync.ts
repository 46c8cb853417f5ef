/** One run of the worker: plans windows, walks each through the rooms, and says what came of it. */
import { AppError, toAppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { ReportProgress, RunCounts } from '../shared/progress.ts';
import { toInstant, type InstantMs, type Interval } from '../shared/time.ts';
import { sessionsOfWindow } from '../store/aggregates.ts';
import { closedBefore, findClosedSessions } from '../store/closed-days.ts';
import type { TakenLease } from '../store/lease.ts';
import { listQuarantine } from '../store/quarantine.ts';
import { countUnrecovered } from '../store/recoveries.ts';
import { giveSpaceBack } from '../store/give-space-back.ts';
import { assertShard, claimShard } from '../store/shard.ts';
import { openStaging } from '../store/staging.ts';
import { sweepTexts } from '../store/sweep-texts.ts';
import { toStateError, type State } from '../store/open-state.ts';
import { publishedHashes } from '../store/targets.ts';
import {
  bindSource,
  getWindow,
  listWindows,
  toInterval,
  type WindowRow,
} from '../store/windows.ts';
import { assertSameProject } from './assert-same-project.ts';
import { addCounts } from './add-counts.ts';
import { startDeadline } from './deadline.ts';
import { describeExperiment } from './describe-experiment.ts';
import { findSuspiciouslyEmpty } from './empty-windows.ts';
import type { DescribedSource } from './described-source.ts';
import { stopsTheRun } from './failure-policy.ts';
import { fenceTarget } from './fence-target.ts';
import { keepLease, type KeptLease } from './keep-lease.ts';
import { openExperiment } from './open-experiment.ts';
import { makePlan, toStart, type SyncRequest } from './make-plan.ts';
import { settledEnd, toSpan, type PlannedWindow } from './plan-windows.ts';
import type { Source, SourceTraffic, Target, TargetTraffic } from './ports.ts';
import { pruneFacts } from './prune-facts.ts';
import { toPublicationHash } from './publication-hash.ts';
import { openTracing } from './open-tracing.ts';
import { publishWindow, type PublishingParts } from './publish-window.ts';
import { readWindow } from './read-whole-window.ts';
import { toRunsPage } from './report-links.ts';
import { restoreDescribed } from './restore-described.ts';
import { refuseFuture } from './refuse-future.ts';
import { refuseLostState } from './refuse-lost-state.ts';
import { toRequestShard } from './request-shard.ts';
import type { SyncSettings } from './sync-settings.ts';
import { sumWindows, type Totals } from './totals.ts';
import { toTrustedClock } from './trusted-now.ts';
import { toWatermark } from './windows.ts';

export interface SyncParts {
  readonly state: State;
  readonly source: Source;
  readonly target: Target;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  /** Who holds the lease, for messages: host and process id. */
  readonly holder: string;
}

export type { SyncRequest } from './make-plan.ts';

export interface FailedWindow {
  readonly window: Interval;
  readonly error: AppError;
}

export interface ClosedDays {
  readonly beforeMs: InstantMs;
  /** Sessions of the windows that were read, which began before: their runs are left as they are. */
  readonly sessionsLeft: readonly string[];
}

export interface SyncSummary {
  readonly command: 'sync' | 'backfill' | 'merge';
  readonly projectId: string;
  readonly projectName: string | null;
  readonly experimentName: string;
  readonly experimentId: string;
  readonly windowsPlanned: number;
  readonly windowsRead: number;
  readonly windowsPublished: number;
  /** Read, found new or changed, and published. */
  readonly windowsChanged: number;
  /** Read again and found as it was. */
  readonly windowsUnchanged: number;
  readonly failed: readonly FailedWindow[];
  /** What rows or scores of this run belong to, and was pruned and can't be restored: FACTS_PRUNED, left in MLflow as it is. */
  readonly left: readonly AppError[];
  /** Calls that SYNC_FACTS_RETENTION took out of the state file at the end. */
  readonly callsPruned: number;
  /** Windows without a row between busy ones: read again by the next run. */
  readonly suspiciouslyEmpty: readonly Interval[];
  /** What is left as it is since it lies before the closed day; null where nothing is closed. */
  readonly closed: ClosedDays | null;
  readonly rows: number;
  readonly generations: number;
  readonly quarantined: number;
  readonly runs: RunCounts;
  /** MLflow no longer had the experiment that was written to before: everything was published anew. */
  readonly isStartedOver: boolean;
  /** Of the created runs, those that someone had deleted in MLflow. */
  readonly runsMadeAgain: number;
  /** What the windows that were read hold: per model, and all together. */
  readonly totals: Totals;
  /** Whose lease of the state file this run took over, since that worker ended without handing it back. */
  readonly leaseTakenFrom: TakenLease | null;
  /** End of the contiguous run of finished windows. */
  readonly watermarkMs: InstantMs;
  /** End of the newest window that could be finished now. */
  readonly settledEndMs: InstantMs;
  readonly langfuse: SourceTraffic;
  readonly mlflow: TargetTraffic;
  readonly elapsedMs: number;
}

/**
 * Runs once. A window that fails is named in the summary and the next ones are tried; a fault that would hit
 * every window (keys, unreachable server, state) ends the run. Throws AppError when nothing could be begun.
 */
export async function runSync(given: SyncParts, request: SyncRequest): Promise<SyncSummary> {
  const { state, source, settings } = given;
  const { description } = source;
  const clock = toTrustedClock(given.clock, description.clockSkewMs);
  const parts = { ...given, clock };
  const startedMs = clock.now();
  const command = request.kind === 'quarantined' ? 'backfill' : request.kind;
  assertSameProject(state, description.projectId);
  using lease = keepLease(state, given);
  const target = fenceTarget(parts.target, () => lease.assertHeld());
  using deadline = startDeadline(settings.maxRuntimeMs);
  const signal = AbortSignal.any([parts.signal, lease.signal, deadline.signal]);
  const own = toRequestShard(request, settings.windowMs);
  assertShard(state, own?.shard ?? null);
  await refuseLostState({
    state,
    target,
    experimentName: settings.experimentName,
    source: description.projectId,
    windows: own?.windows ?? null,
  });
  lease.assertHeld();
  if (own !== null) claimShard(state, own.shard);

  const bound = bindSource(state, {
    source: description.projectId,
    name: description.projectName,
    baseUrl: description.baseUrl,
    windowMs: settings.windowMs,
    startMs: toStart(parts, request),
  });
  const future = refuseFuture(given, { request, startMs: bound.start_ms });
  const plan = makePlan(parts, { request, startMs: bound.start_ms });
  parts.report({
    kind: 'run_started',
    command,
    source: `${description.baseUrl} (${description.reader})`,
    target: target.description.uri,
  });
  parts.report({ kind: 'windows_planned', windows: plan.length, span: toSpan(plan) });

  const { experiment, targetId, isStartedOver } = await openExperiment({
    state,
    target,
    name: settings.experimentName,
    assertHeld: () => lease.assertHeld(),
  });
  await describeExperiment({ target, report: parts.report }, experiment);
  let madeAgain = 0;
  const report: ReportProgress = (event) => {
    if (event.kind === 'run_made_again') madeAgain += 1;
    parts.report(event);
  };
  const assertHeld = (): void => lease.assertHeld();
  const describedSource: DescribedSource = {
    projectId: description.projectId,
    projectName: description.projectName,
    baseUrl: description.baseUrl,
    runsPage: toRunsPage(target.description, experiment.experimentId),
    privacy: settings.privacy,
    measures: settings.measures,
  };
  const writing = { ...parts, target, report, signal, assertHeld };
  const place = { ...writing, targetId, experiment, source: describedSource };
  const run: Run = {
    parts: {
      ...writing,
      acceptsLossIn: new Set(
        plan.filter(({ reason }) => reason === 'asked').map(({ interval }) => interval.fromMs),
      ),
    },
    lease,
    publishing: {
      ...place,
      experimentId: experiment.experimentId,
      tracing: await openTracing(place),
    },
    failed: [],
    left: new Map(),
    runs: { created: 0, updated: 0, unchanged: 0, deleted: 0 },
    rows: 0,
    generations: 0,
    // What the shards could not read is as missing from the merged file.
    quarantined: request.kind === 'merge' ? listQuarantine(state, description.projectId).length : 0,
    windowsPublished: 0,
    read: new Set(),
    published: new Set(),
  };
  await walk(run, plan);
  if (future !== null && !signal.aborted) fail(run, future.span, future.error);
  const readWindows = [...run.read];
  const totals = sumWindows(state, { source: description.projectId, windowStarts: readWindows });
  const watermarkMs = currentWatermark(parts, { targetId, startMs: bound.start_ms });
  let callsPruned = 0;
  // What is staged may be another worker's by now.
  if (lease.isHeld()) {
    openStaging(state).clear();
    if (!signal.aborted) {
      // A shard's file is merged by its facts, and what was just merged may still be looked at.
      if (request.kind !== 'merge' && own === null) callsPruned = prune(run, watermarkMs);
      sweepTexts(state);
      if (callsPruned > 0) giveSpaceBack(state);
    }
  }

  const summary: SyncSummary = {
    command,
    projectId: description.projectId,
    projectName: description.projectName,
    experimentName: settings.experimentName,
    experimentId: experiment.experimentId,
    windowsPlanned: plan.length,
    windowsRead: run.read.size,
    windowsPublished: run.windowsPublished,
    windowsChanged: readWindows.filter((fromMs) => run.published.has(fromMs)).length,
    windowsUnchanged: readWindows.filter(
      (fromMs) =>
        !run.published.has(fromMs) && !run.failed.some(({ window }) => window.fromMs === fromMs),
    ).length,
    failed: run.failed,
    left: [...run.left.values()],
    callsPruned,
    suspiciouslyEmpty: settings.checksEmptiness
      ? findSuspiciouslyEmpty(listWindows(state, description.projectId), clock.now()).map(
          toInterval,
        )
      : [],
    closed: toClosedDays(state, { source: description.projectId, windowStarts: [...run.read] }),
    rows: run.rows,
    generations: run.generations,
    quarantined: run.quarantined,
    runs: run.runs,
    runsMadeAgain: madeAgain,
    isStartedOver,
    leaseTakenFrom: lease.takenFrom,
    totals,
    watermarkMs,
    settledEndMs: settledEnd({
      nowMs: clock.now(),
      windowMs: settings.windowMs,
      settleMs: settings.settleMs,
    }),
    langfuse: source.traffic,
    mlflow: target.traffic,
    elapsedMs: clock.now() - startedMs,
  };
  parts.report({
    kind: 'run_finished',
    windowsDone: run.read.size,
    windowsFailed: run.failed.length,
    rows: run.rows,
    runs: run.runs,
    elapsedMs: summary.elapsedMs,
  });
  return summary;
}

interface Run {
  readonly parts: SyncParts & {
    readonly assertHeld: () => void;
    readonly acceptsLossIn: ReadonlySet<number>;
  };
  readonly lease: KeptLease;
  readonly publishing: PublishingParts;
  readonly failed: FailedWindow[];
  /** By message: each is told once. */
  readonly left: Map<string, AppError>;
  readonly read: Set<number>;
  readonly published: Set<number>;
  runs: RunCounts;
  rows: number;
  generations: number;
  quarantined: number;
  windowsPublished: number;
}

/**
 * Oldest window first: read it, then publish it. Windows that an earlier run read and could not publish come
 * before; older windows that late rows, moved rows or new scores touched are published once, at the end.
 */
async function walk(run: Run, plan: readonly PlannedWindow[]): Promise<void> {
  const planned = new Set(plan.map(({ interval }) => interval.fromMs));
  const isLeft = (row: WindowRow): boolean => !planned.has(row.from_ms as InstantMs);
  if (await publishDue(run, { isAsked: isLeft, isForced: false })) return;
  for (const { interval, reason } of plan) {
    const stop = await attempt(run, interval, async () => {
      const result = await readWindow(run.parts, interval);
      run.read.add(interval.fromMs);
      run.rows += result.rows;
      run.generations += result.generations;
      run.quarantined += result.quarantined;
      for (const error of result.left) run.left.set(error.message, error);
    });
    if (stop) return;
    const isThis = (row: WindowRow): boolean => row.from_ms === interval.fromMs;
    // A backfill looks at each run even of an unchanged window: a newer worker may describe it otherwise.
    if (await publishDue(run, { isAsked: isThis, isForced: reason === 'asked' })) return;
  }
  // Deleting or making a run again may leave runs of a window before without the one that they nest under.
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const before = run.windowsPublished;
    if (await publishDue(run, { isAsked: () => true, isForced: false })) return;
    if (run.windowsPublished === before) return;
  }
}

/** One for what was touched, one for what that touched; a window that is due after more is left to the next run. */
const mostPasses = 4;

/** Publishes the asked windows that hold something else than is published. Returns true when the run must stop. */
async function publishDue(
  run: Run,
  which: { readonly isAsked: (row: WindowRow) => boolean; readonly isForced: boolean },
): Promise<boolean> {
  const { parts, publishing } = run;
  const projectId = publishing.source.projectId;
  const place = { targetId: publishing.targetId, source: projectId };
  // The runs of a window are made of rows and scores of others too: from a part of them, numbers would be wrong.
  if (countUnrecovered(parts.state, place) > 0) return false;
  const hashes = publishedHashes(parts.state, publishing.targetId, projectId);
  const failed = new Set(run.failed.map((one) => one.window.fromMs));
  const due = listWindows(parts.state, projectId).filter(
    (row) =>
      which.isAsked(row) &&
      !failed.has(row.from_ms as InstantMs) &&
      (which.isForced ||
        hashes.get(row.from_ms) !== toPublicationHash(parts.state, row, parts.settings)),
  );
  for (const row of due) {
    const interval = toInterval(row);
    const stop = await attempt(run, interval, async () => {
      await restoreDescribed({ ...parts, targetId: publishing.targetId }, row);
      const current = getWindow(parts.state, projectId, row.from_ms) ?? row;
      const runs = await publishWindow(publishing, current, {
        looksAgain: which.isForced && hashes.has(row.from_ms),
      });
      run.runs = addCounts(run.runs, runs);
      if (runs.created + runs.updated + runs.deleted === 0) return;
      run.windowsPublished += 1;
      run.published.add(row.from_ms);
      parts.report({ kind: 'window_published', window: interval, runs });
    });
    if (stop) return true;
  }
  return false;
}

/** Runs one step of a window; a failure is kept with the window. Returns true when the run must stop. */
async function attempt(run: Run, interval: Interval, step: () => Promise<void>): Promise<boolean> {
  try {
    run.parts.signal.throwIfAborted();
    // A step before may have kept the timers waiting for longer than the lease lasts.
    run.lease.renew();
    await step();
    return false;
  } catch (caught) {
    const error = run.parts.signal.aborted
      ? toAbortError(run.parts.signal, caught)
      : toAppError(toStateError(caught, run.parts.state.path));
    fail(run, interval, error);
    return stopsTheRun(error);
  }
}

function fail(run: Run, window: Interval, error: AppError): void {
  run.failed.push({ window, error });
  const { code, message, hint } = error;
  run.parts.report({ kind: 'window_failed', window, code, message, hint });
}

function toAbortError(signal: AbortSignal, caught: unknown): AppError {
  if (signal.reason instanceof AppError) return signal.reason;
  return new AppError('CANCELLED', 'The run was stopped before this window was finished.', {
    cause: caught,
  });
}

function prune(run: Run, watermarkMs: InstantMs): number {
  const { state, settings, signal, assertHeld } = run.parts;
  const { targetId, source } = run.publishing;
  const place = { targetId, source: source.projectId, settings };
  return pruneFacts({
    ...place,
    state,
    finished: finishedWindows(state, place),
    watermarkMs,
    signal,
    assertHeld,
  });
}

function currentWatermark(
  parts: SyncParts,
  place: { readonly targetId: number; readonly startMs: number },
): InstantMs {
  const { projectId: source } = parts.source.description;
  const asked = { targetId: place.targetId, source, settings: parts.settings };
  return toWatermark(place.startMs, finishedWindows(parts.state, asked).map(toInterval));
}

/** Windows that are read and published as they are now. */
export function finishedWindows(
  state: State,
  place: { readonly targetId: number; readonly source: string; readonly settings: SyncSettings },
): WindowRow[] {
  const hashes = publishedHashes(state, place.targetId, place.source);
  return listWindows(state, place.source).filter(
    (row) => hashes.get(row.from_ms) === toPublicationHash(state, row, place.settings),
  );
}

/** What of the windows is left as it is since it lies before the closed day. */
export function toClosedDays(
  state: State,
  place: { readonly source: string; readonly windowStarts: readonly number[] },
): ClosedDays | null {
  const { source } = place;
  const beforeMs = closedBefore(state, source);
  if (beforeMs === null) return null;
  const sessionIds = [
    ...new Set(place.windowStarts.flatMap((fromMs) => sessionsOfWindow(state, source, fromMs))),
  ];
  return {
    beforeMs: toInstant(beforeMs),
    sessionsLeft: [...findClosedSessions(state, { source, sessionIds })].toSorted(),
  };
}
