/** Mends drift: first what MLflow holds, as the state file describes it, then what the state file lacks of Langfuse. */
import type { Clock } from '../shared/clock.ts';
import type { AppError } from '../shared/errors.ts';
import type { ReportProgress } from '../shared/progress.ts';
import type { Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { publishedHashes } from '../store/targets.ts';
import { getWindow, listWindows, type WindowRow } from '../store/windows.ts';
import { toPublicationHash } from '../sync/publication-hash.ts';
import { publishWindow, type PublishingParts } from '../sync/publish-window.ts';
import type { Source, Target } from '../sync/ports.ts';
import type { TracePublishing } from '../sync/publish-traces.ts';
import { readWindow } from '../sync/read-whole-window.ts';
import { restoreDescribed } from '../sync/restore-described.ts';
import type { SyncSettings } from '../sync/sync-settings.ts';
import type { RunDrift, WindowDrift } from './drift.ts';
import { mendFinding, type Mending } from './mend-runs.ts';
import type { MlflowPlace } from './mlflow-place.ts';
import { verifyMlflow, type Finding } from './verify-mlflow.ts';

export interface RepairParts {
  readonly state: State;
  readonly source: Source;
  readonly target: Target;
  readonly targetId: number;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  readonly assertHeld: () => void;
  readonly renewLease: () => void;
  /** Only MLflow still knows anything of such a window: it is left as it is. */
  readonly isEmptied: (row: WindowRow) => boolean;
  readonly place: MlflowPlace;
  /** Null where no traces are written. */
  readonly tracing: TracePublishing | null;
}

export interface Repair {
  /** Windows that were read again. */
  readonly windows: readonly Interval[];
  /** Windows that Langfuse shows empty, which are left as they are. */
  readonly windowsLeft: readonly Interval[];
  readonly mended: readonly RunDrift[];
  /** Drift that is in MLflow after the repair. */
  readonly left: readonly RunDrift[];
  /** What a mended row belongs to, and was pruned and can't be restored: FACTS_PRUNED. */
  readonly factsPruned: readonly AppError[];
}

/** Throws AppError at the first failure; what was mended stays, and the next repair goes on. */
export async function repair(
  parts: RepairParts,
  drift: {
    readonly langfuse: readonly WindowDrift[];
    readonly findings: readonly Finding[];
    readonly range: { readonly fromMs: number; readonly toMs: number };
    /** Windows that were pruned and can't be restored: they are left as they are. */
    readonly left: ReadonlyMap<number, AppError>;
  },
): Promise<Repair> {
  const { state, place } = parts;
  const source = place.source.projectId;
  const mending: Mending = {
    place,
    clock: parts.clock,
    onMadeAgain: () => undefined,
  };
  const factsPruned: AppError[] = [];
  const toPublish = new Set<number>();
  for (const finding of drift.findings) {
    parts.signal.throwIfAborted();
    if ((await mendFinding(mending, finding)) === 'publish') {
      for (const fromMs of windowsOf(place, finding)) toPublish.add(fromMs);
    }
    parts.renewLease();
  }
  for (const row of listWindows(state, source)) {
    if (toPublish.has(row.from_ms)) await publish(parts, row, { looksAgain: true });
  }

  const again = drift.langfuse.filter((one) => !one.isEmptied);
  for (const { window } of again) {
    parts.signal.throwIfAborted();
    factsPruned.push(...(await readWindow(parts, window)).left);
    parts.renewLease();
  }
  const hashes = publishedHashes(state, parts.targetId, source);
  for (const row of listWindows(state, source)) {
    if (hashes.get(row.from_ms) === toPublicationHash(state, row, parts.settings)) continue;
    if (parts.isEmptied(row) || drift.left.has(row.from_ms)) continue;
    await publish(parts, row, { looksAgain: false });
  }

  const rows = listWindows(state, source).filter(
    (row) =>
      row.from_ms >= drift.range.fromMs &&
      row.from_ms < drift.range.toMs &&
      !parts.isEmptied(row) &&
      !drift.left.has(row.from_ms),
  );
  const after = await verifyMlflow(place, rows);
  const left = after.findings.map((finding) => finding.drift);
  const isLeft = (one: RunDrift): boolean => left.some((other) => isSame(one, other));
  return {
    windows: again.map((one) => one.window),
    windowsLeft: drift.langfuse.filter((one) => one.isEmptied).map((one) => one.window),
    mended: drift.findings.map((finding) => finding.drift).filter((one) => !isLeft(one)),
    left,
    factsPruned,
  };
}

async function publish(
  parts: RepairParts,
  row: WindowRow,
  options: { readonly looksAgain: boolean },
): Promise<void> {
  parts.signal.throwIfAborted();
  await restoreDescribed(parts, row);
  const publishing: PublishingParts = {
    state: parts.state,
    target: parts.target,
    targetId: parts.targetId,
    experimentId: parts.place.experimentId,
    source: parts.place.source,
    tracing: parts.tracing,
    settings: parts.settings,
    clock: parts.clock,
    report: parts.report,
    signal: parts.signal,
    assertHeld: parts.assertHeld,
  };
  const current = getWindow(parts.state, row.source, row.from_ms) ?? row;
  await publishWindow(publishing, current, options);
  parts.renewLease();
}

/** Windows that must be published again for a run to be made, and for those under it to nest under the new one. */
function windowsOf(place: MlflowPlace, finding: Finding): number[] {
  if (finding.of !== 'run') return [];
  const { spec } = finding.expected;
  const own = spec.windowFromMs === null ? [] : [spec.windowFromMs];
  if (spec.grain !== 'session' || !place.requestRuns) return own;
  const rows = place.state.db
    .prepare('SELECT DISTINCT window_from_ms FROM facts WHERE source = ? AND session_id = ?')
    .pluck()
    .all(place.source.projectId, spec.subject) as number[];
  return [...own, ...rows];
}

function isSame(one: RunDrift, other: RunDrift): boolean {
  return one.key === other.key && one.kind === other.kind && one.runId === other.runId;
}
