/**
 * Runs of the worker that can die. A death is modelled honestly: at the chosen point the state file and MLflow are
 * copied as they are, whatever the worker still does is thrown away, and the next run starts from the copies.
 */
import { noMeasures } from '../../src/shared/measures.ts';
import { rmSync, writeFileSync } from 'node:fs';
import { AppError } from '../../src/shared/errors.ts';
import type { ProgressEvent } from '../../src/shared/progress.ts';
import { dayMs, hourMs, toInstant } from '../../src/shared/time.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import {
  runSync,
  type SyncParts,
  type SyncRequest,
  type SyncSummary,
} from '../../src/sync/run-sync.ts';
import type { Target } from '../../src/sync/ports.ts';
import type { SyncSettings } from '../../src/sync/sync-settings.ts';
import { runVerify, type VerifyRequest, type VerifySummary } from '../../src/verify/run-verify.ts';
import { watchCommits } from './crash-commits.ts';
import { createCrashSource } from './crash-source.ts';
import { firstDayMs, type Project } from './crash-traffic.ts';
import { createMemoryMlflow } from './memory-mlflow.ts';
import { MemoryStore } from './memory-mlflow-store.ts';
import { understandingRules } from './builders.ts';

/** All that outlives a worker. */
export interface World {
  /** The state file, or null before the first run. */
  readonly state: Buffer | null;
  readonly store: MemoryStore;
}

export interface WorldSettings {
  readonly lookbackDays: number;
  readonly requestRuns: boolean;
  readonly concurrency: number;
  readonly pageSize: number;
  readonly hasInlineText: boolean;
  /** Facts are pruned after so many days; not given: never. */
  readonly retentionDays?: number;
}

/** What goes wrong at the n-th point of a run (counted from 1). */
export interface Trouble {
  /**
   * `crash`: the process dies; `lost`: an error instead of an answer, once; `down`: MLflow answers no more;
   * `dark`: Langfuse answers no more;
   * `restored`: the process dies, and the state file is put back as it was before this run (a copy from a backup,
   * or a local store that had committed before the state did).
   */
  readonly kind: 'crash' | 'lost' | 'down' | 'dark' | 'restored';
  readonly point: number;
}

export interface RunOutcome {
  readonly world: World;
  /** Null when the worker died, and for a verification. */
  readonly summary: SyncSummary | null;
  /** What `verify` found, when that was asked for. */
  readonly verification: VerifySummary | null;
  /** What ended the run before it could begin, if anything. */
  readonly error: AppError | null;
  readonly events: readonly ProgressEvent[];
  /** How many points the run passed, and what they were. */
  readonly points: readonly string[];
  readonly writes: number;
}

export const crashExperiment = 'crashes';

export const newWorld = (): World => ({ state: null, store: new MemoryStore() });

/** Nights follow each other; `attempt` tells runs of one night apart. */
export function nightMs(night: number, attempt = 0): number {
  return firstDayMs + (night + 2) * dayMs + 3 * hourMs + attempt * 10 * 60_000;
}

export function toSettings(settings: WorldSettings): SyncSettings {
  const { nowMs: _, ...understanding } = understandingRules();
  return {
    windowMs: dayMs,
    settleMs: hourMs,
    lookbackMs: settings.lookbackDays * dayMs,
    startMs: firstDayMs,
    checksEmptiness: true,
    factsRetentionMs: settings.retentionDays === undefined ? null : settings.retentionDays * dayMs,
    maxRuntimeMs: null,
    experimentName: crashExperiment,
    traces: { kind: 'off' },
    privacy: {
      text: { kind: 'all' },
      redact: { kinds: ['credentials'], patterns: [] },
      maxTextBytes: null,
      hashed: { kinds: [], key: null },
    },
    requestRuns: settings.requestRuns,
    measures: noMeasures,
    publishConcurrency: settings.concurrency,
    understanding,
  };
}

/** A log-batch half done and its ledger lost too is two faults at once, which nothing can tell apart later. */
function isBetweenCalls(point: string): boolean {
  return !/params|metrics|tags before/.test(point);
}

/** What a test can reach while a worker runs. */
export interface Surroundings {
  readonly store: MemoryStore;
  readonly state: State;
  /** Calls so far that change MLflow. */
  readonly writes: () => number;
  readonly skipMs: (ms: number) => void;
}

/** Opens a target that tells of each call, before it is sent and after it was answered. */
export type OpenMlflow = (onCall: (point: string) => void) => Promise<Target>;

class Death extends Error {}

export async function runWorker(
  world: World,
  run: {
    /** A file name to work on; removed at the end. */
    readonly file: string;
    readonly project: Project;
    readonly nowMs: number;
    readonly settings: WorldSettings;
    readonly request?: SyncRequest;
    /** Verifies instead of syncing. */
    readonly verify?: VerifyRequest;
    readonly trouble?: Trouble | null;
    /** A real MLflow instead of the one in memory: what was written to it before a death stays there. */
    readonly openMlflow?: OpenMlflow;
    /** Whatever else happens at that moment, in MLflow, in the state file or to the clock. */
    readonly onPoint?: (point: string, surroundings: Surroundings) => void;
    readonly onEvent?: (event: ProgressEvent, surroundings: Surroundings) => void;
  },
): Promise<RunOutcome> {
  if (world.state !== null) writeFileSync(run.file, world.state);
  const store = world.store.clone();
  const opened = openState(run.file);
  // Only the power of the machine is lost without it, and that is not what is tried here.
  opened.db.pragma('synchronous = OFF');
  const trouble = run.trouble ?? null;
  const points: string[] = [];
  const events: ProgressEvent[] = [];
  let left: World | null = null;

  const copy = (): World => ({ state: opened.db.serialize(), store: store.clone() });
  const reach = (point: string): void => {
    if (left !== null) throw new Death();
    points.push(point);
    run.onPoint?.(point, surroundings);
    if (trouble === null) return;
    if (trouble.kind === 'crash' && points.length === trouble.point) {
      left = copy();
      throw new Death();
    }
    if (trouble.kind === 'restored' && points.length >= trouble.point && isBetweenCalls(point)) {
      left = world.state === null ? copy() : { ...copy(), state: world.state };
      throw new Death();
    }
    if (trouble.kind === 'dark') {
      if (points.length < trouble.point || point !== 'langfuse page') return;
      throw new AppError('LANGFUSE_UNREACHABLE', 'No answer (langfuse page).');
    }
    const isMlflow = point.startsWith('mlflow');
    const isNow =
      trouble.kind === 'lost' ? points.length === trouble.point : points.length >= trouble.point;
    if ((trouble.kind === 'lost' || trouble.kind === 'down') && isMlflow && isNow) {
      throw new AppError('MLFLOW_UNREACHABLE', `No answer (${point}).`, {
        details: { isUncertain: true },
      });
    }
  };

  const target =
    run.openMlflow === undefined
      ? createMemoryMlflow({
          store,
          onEffect: ({ kind, when }) => reach(`mlflow ${kind} ${when}`),
        }).target
      : await run.openMlflow((point) => reach(`mlflow ${point}`));
  const state = watchCommits(opened, () => reach('state commit'));
  let skippedMs = 0;
  const surroundings: Surroundings = {
    store,
    state: opened,
    writes: () => target.traffic.writes,
    skipMs: (ms) => {
      skippedMs += ms;
    },
  };
  let summary: SyncSummary | null = null;
  let verification: VerifySummary | null = null;
  let error: AppError | null = null;
  const parts: SyncParts = {
    state,
    source: createCrashSource({
      project: run.project,
      pageSize: run.settings.pageSize,
      hasInlineText: run.settings.hasInlineText,
      onPage: () => reach('langfuse page'),
    }),
    target,
    settings: toSettings(run.settings),
    clock: { now: () => toInstant(run.nowMs + skippedMs), sleep: () => Promise.resolve() },
    report: (event) => {
      events.push(event);
      run.onEvent?.(event, surroundings);
    },
    signal: new AbortController().signal,
    holder: `worker at ${run.nowMs}`,
  };
  try {
    if (run.verify === undefined) summary = await runSync(parts, run.request ?? { kind: 'sync' });
    else verification = await runVerify(parts, run.verify);
  } catch (caught) {
    if (left === null) {
      if (!(caught instanceof AppError)) throw caught;
      error = caught;
    }
  }
  const end = left ?? copy();
  await target[Symbol.asyncDispose]();
  opened[Symbol.dispose]();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${run.file}${suffix}`, { force: true });
  return {
    world: end,
    summary: left === null ? summary : null,
    verification,
    error,
    events,
    points,
    writes: target.traffic.writes,
  };
}
