/** `verify`: three questions with numbers, and on request the mending of what they find. */
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { toInstant, toIso, type Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { openLedger } from '../store/ledger.ts';
import { countUnrecovered } from '../store/recoveries.ts';
import { assertShard } from '../store/shard.ts';
import { findTarget } from '../store/targets.ts';
import { listSources, listWindows, toInterval, type WindowRow } from '../store/windows.ts';
import { assertSameProject } from '../sync/assert-same-project.ts';
import { fenceTarget } from '../sync/fence-target.ts';
import { isEmptiedWindow } from '../sync/emptied-window.ts';
import { startDeadline } from '../sync/deadline.ts';
import { openTracing } from '../sync/open-tracing.ts';
import { keepLease, type KeptLease } from '../sync/keep-lease.ts';
import type { Experiment, Source, SourceTraffic, Target, TargetTraffic } from '../sync/ports.ts';
import { toClosedDays, type ClosedDays } from '../sync/run-sync.ts';
import type { SyncSettings } from '../sync/sync-settings.ts';
import { toTrustedClock } from '../sync/trusted-now.ts';
import { toRunsPage } from '../sync/report-links.ts';
import { alignDown, alignUp, findHoles } from '../sync/windows.ts';
import type { MlflowPlace } from './mlflow-place.ts';
import { repair, type Repair } from './repair.ts';
import { restorePruned } from './restore-pruned.ts';
import { verifyLangfuse, type LangfuseVerification } from './verify-langfuse.ts';
import { verifyMlflow, type MlflowVerification } from './verify-mlflow.ts';

export interface VerifyParts {
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

export interface VerifyRequest {
  /** Windows from here on; null: from the first one. */
  readonly fromMs: number | null;
  /** Windows before this; null: to the last one. */
  readonly toMs: number | null;
  readonly isRepair: boolean;
}

export interface VerifySummary {
  readonly projectId: string;
  readonly projectName: string | null;
  readonly experimentName: string;
  readonly experimentId: string;
  /** From the start of the first to the end of the last window that was checked. */
  readonly span: Interval;
  readonly langfuse: LangfuseVerification;
  readonly mlflow: MlflowVerification;
  /** What is not checked since it lies before the closed day; null where nothing is closed. */
  readonly closed: ClosedDays | null;
  /** What was mended; null when it was not asked for. */
  readonly repair: Repair | null;
  readonly pruned: {
    /** Windows whose facts were pruned and read again, so that they could be compared. */
    readonly windowsRestored: number;
    /** FACTS_PRUNED: what Langfuse no longer shows whole, so that it could not be compared or mended. */
    readonly left: readonly AppError[];
  };
  /** Drift that is still there. */
  readonly isClean: boolean;
  readonly langfuseTraffic: SourceTraffic;
  readonly mlflowTraffic: TargetTraffic;
  readonly elapsedMs: number;
}

/**
 * Takes the lease, so that no sync changes what is compared. Throws USAGE when there is nothing to verify,
 * STATE_BUSY while another worker runs, and AppError (LANGFUSE_*, MLFLOW_*, STATE_*) when a side can't be read.
 */
export async function runVerify(
  parts: VerifyParts,
  request: VerifyRequest,
): Promise<VerifySummary> {
  const { state, source, settings, clock } = parts;
  assertSameProject(state, source.description.projectId);
  assertShard(state, null);
  using lease = keepLease(state, parts);
  using deadline = startDeadline(settings.maxRuntimeMs);
  const signal = AbortSignal.any([parts.signal, lease.signal, deadline.signal]);
  try {
    const trusted = toTrustedClock(clock, source.description.clockSkewMs);
    return await verify({ ...parts, clock: trusted, signal }, request, lease);
  } catch (error) {
    // What a step says that was cut off is of no use; why it was cut off is.
    throw signal.reason instanceof AppError ? signal.reason : error;
  }
}

async function verify(
  parts: VerifyParts,
  request: VerifyRequest,
  lease: KeptLease,
): Promise<VerifySummary> {
  const { source, settings, clock, signal } = parts;
  const startedMs = clock.now();
  const { description } = source;
  const assertHeld = (): void => lease.assertHeld();
  const target = fenceTarget(parts.target, assertHeld);

  const plan = planVerify(parts.state, { source: description.projectId, request });
  parts.report({
    kind: 'run_started',
    command: 'verify',
    source: `${description.baseUrl} (${description.reader})`,
    target: target.description.uri,
  });
  parts.report({ kind: 'windows_planned', windows: plan.rows.length, span: plan.span });
  const { targetId, experiment, experimentName } = await findPlace(parts);
  const { experimentId } = experiment;

  using restored = await restorePruned({ ...parts, targetId, assertHeld }, { ...plan, ...request });
  const { state } = restored;
  const rows = plan.rows.filter((row) => !restored.left.has(row.from_ms));
  lease.renew();
  const reading = { ...parts, state, assertHeld };
  const ledger = openLedger(state, targetId, assertHeld);
  const isEmptied = (row: WindowRow): boolean => isEmptiedWindow({ state, ledger }, row);
  const compared = await verifyLangfuse(reading, {
    windowMs: plan.windowMs,
    windows: rows.map(toInterval),
    unread: plan.unread,
  });
  const untrusted = new Set(compared.untrusted.map(({ window }) => window.fromMs));
  const isTrusted = (window: Interval): boolean => !untrusted.has(window.fromMs);
  const langfuse = withEmptied(compared, rows.filter(isEmptied).map(toInterval).filter(isTrusted));
  const place: MlflowPlace = {
    state,
    ledger,
    target,
    experimentId,
    source: {
      projectId: description.projectId,
      projectName: description.projectName,
      baseUrl: description.baseUrl,
      runsPage: toRunsPage(target.description, experimentId),
      privacy: settings.privacy,
      measures: settings.measures,
    },
    windowMs: plan.windowMs,
    requestRuns: settings.requestRuns,
    concurrency: target.description.kind === 'local' ? 1 : settings.publishConcurrency,
    signal,
  };
  lease.renew();
  const mlflow = await verifyMlflow(
    place,
    rows.filter((row) => !isEmptied(row)),
  );
  lease.renew();
  const repaired = request.isRepair
    ? await repair(
        {
          ...reading,
          target,
          targetId,
          place,
          tracing: await openTracing({
            ...reading,
            target,
            targetId,
            experiment,
            source: place.source,
          }),
          isEmptied,
          renewLease: () => lease.renew(),
        },
        {
          langfuse: langfuse.drift.filter(({ window }) => isTrusted(window)),
          findings: mlflow.findings,
          range: plan.range,
          left: restored.left,
        },
      )
    : null;
  return {
    projectId: description.projectId,
    projectName: description.projectName,
    experimentName,
    experimentId,
    span: plan.span,
    langfuse,
    mlflow,
    closed: toClosedDays(state, {
      source: description.projectId,
      windowStarts: plan.rows.map((row) => row.from_ms),
    }),
    repair: repaired,
    pruned: {
      windowsRestored: restored.windows,
      left: [...restored.left.values(), ...(repaired?.factsPruned ?? [])],
    },
    isClean:
      restored.left.size === 0 &&
      langfuse.untrusted.length === 0 &&
      (repaired === null
        ? langfuse.drift.length === 0 && mlflow.findings.length === 0
        : repaired.windowsLeft.length === 0 &&
          repaired.left.length === 0 &&
          repaired.factsPruned.length === 0),
    langfuseTraffic: source.traffic,
    mlflowTraffic: parts.target.traffic,
    elapsedMs: clock.now() - startedMs,
  };
}

/** Of such windows neither side but MLflow knows anything, so that no row tells of them. */
function withEmptied(
  compared: LangfuseVerification,
  emptied: readonly Interval[],
): LangfuseVerification {
  const drift = emptied.map((window) => ({
    window,
    isUnread: false,
    isEmptied: true,
    rows: [],
    models: [],
  }));
  return { ...compared, drift: [...compared.drift, ...drift] };
}

export interface VerifyPlan {
  readonly windowMs: number;
  readonly range: { readonly fromMs: number; readonly toMs: number };
  readonly rows: readonly WindowRow[];
  readonly unread: readonly Interval[];
  readonly span: Interval;
}

/** Throws USAGE when the state file holds no window of the range. */
export function planVerify(
  state: State,
  asked: { readonly source: string; readonly request: VerifyRequest },
): VerifyPlan {
  const { fromMs, toMs } = asked.request;
  const bound = listSources(state).find((one) => one.source === asked.source);
  const all = bound === undefined ? [] : listWindows(state, asked.source);
  const windowMs = bound?.window_ms ?? 1;
  const range = {
    fromMs: fromMs === null ? Number.NEGATIVE_INFINITY : alignDown(fromMs, windowMs),
    toMs: toMs === null ? Number.POSITIVE_INFINITY : alignUp(toMs, windowMs),
  };
  const isInRange = (window: { readonly from_ms: number }): boolean =>
    window.from_ms >= range.fromMs && window.from_ms < range.toMs;
  const rows = all.filter(isInRange);
  const [first, last] = [rows[0], rows.at(-1)];
  if (bound === undefined || first === undefined || last === undefined) {
    throw new AppError(
      'USAGE',
      all.length === 0
        ? `There is nothing to verify: ${state.path} holds no window of Langfuse project ${asked.source}.`
        : `There is nothing to verify: ${state.path} holds windows from ${toIso(all[0]?.from_ms ?? 0)} to ${toIso(all.at(-1)?.to_ms ?? 0)}, none of them in the range.`,
      {
        hint: 'Run `langfuse-mlflow sync` first, or choose --from and --to within what `langfuse-mlflow status` shows.',
      },
    );
  }
  const holes = findHoles({
    startMs: bound.start_ms,
    windowMs,
    finished: all.filter((row) => row.from_ms >= bound.start_ms).map(toInterval),
  });
  return {
    windowMs,
    range,
    rows,
    unread: holes.filter((hole) => isInRange({ from_ms: hole.fromMs })),
    span: { fromMs: toInstant(first.from_ms), toMs: toInstant(last.to_ms) },
  };
}

/** Throws USAGE while the rows that the runs are made of are not all read again. */
function assertRecovered({ state, source }: VerifyParts, targetId: number): void {
  const unread = countUnrecovered(state, { targetId, source: source.description.projectId });
  if (unread === 0) return;
  throw new AppError(
    'USAGE',
    `The state file ${state.path} was rebuilt from MLflow, and ${unread} windows are not read again yet, so nothing can be compared.`,
    { hint: 'Run `langfuse-mlflow sync` until it ends with exit code 0, then verify.' },
  );
}

/** Throws USAGE when the state file has never written to this MLflow and experiment. */
async function findPlace(parts: VerifyParts): Promise<{
  readonly targetId: number;
  readonly experiment: Experiment;
  readonly experimentName: string;
}> {
  const { state, target, settings } = parts;
  const { uri } = target.description;
  const { experimentName } = settings;
  const targetId = findTarget(state, { uri, experimentName });
  const experiment = await target.findExperiment(experimentName);
  if (targetId !== null && experiment !== null) {
    assertRecovered(parts, targetId);
    return { targetId, experiment, experimentName };
  }
  throw new AppError(
    'USAGE',
    experiment === null
      ? `There is nothing to verify: ${uri} has no experiment ${experimentName}.`
      : `There is nothing to verify: the state file ${state.path} has never written to the experiment ${experimentName} at ${uri}.`,
    {
      hint: 'Run `langfuse-mlflow sync` first, or name the MLflow that was written to with MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME.',
    },
  );
}
