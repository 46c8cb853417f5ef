/** Publishes the trend point of one model, or of all, in one window. */
import { completeTag, hashTag, revisionTag } from '../runs/tags.ts';
import { toTrendRun, type TrendPointSpec } from '../runs/trend.ts';
import { hashOf } from '../shared/hash.ts';
import type { LedgerEntry, TrendPoint } from '../store/ledger.ts';
import { createPublished } from './create-run.ts';
import { deletePublished } from './delete-published.ts';
import type { LogBatch, RunRef, StoredRun } from './ports.ts';
import {
  findStored,
  toEntry,
  toStoredRevision,
  type Publishing,
  type PublishOutcome,
} from './publishing.ts';
import { toRunTags, toTagChanges } from './run-tags.ts';

export interface PlacedTrendPoint {
  readonly source: string;
  readonly model: string;
  readonly point: TrendPointSpec;
  readonly windowToMs: number;
  /** Points of other windows to be written with it (earlier-points.ts). */
  readonly earlier?: readonly TrendPoint[];
}

/**
 * Creates the trend run when it is missing, then logs the point. A corrected point is logged at the
 * same step with a time one millisecond later per correction: MLflow shows the latest time of a step.
 */
export async function publishTrendPoint(
  publishing: Publishing,
  trend: PlacedTrendPoint,
): Promise<PublishOutcome> {
  const { ledger } = publishing;
  const { point } = trend;
  const before = ledger.getPoint(point.key, point.step);
  const isDone = before?.state === 'done' && before.hash === point.hash;
  if (isDone && !publishing.looksAgain) return 'unchanged';

  const opened = await openTrend(publishing, trend);
  const { stored } = opened;
  // The tag says which points MLflow holds; where it says otherwise than the ledger, the ledger is behind.
  const isInStep = stored === null || stored.tags[hashTag] === toHash(ledger.points(point.key));
  if (isDone && isInStep && stored !== null) return 'unchanged';

  const next = toPoint(point, { before, isInStep, stored });
  const earlier = trend.earlier ?? [];
  for (const one of [next, ...earlier]) ledger.putPoint(one);
  // A run that was made again has lost its other points too. Those not done are written by their own windows.
  const others = opened.isMadeAgain
    ? ledger.points(point.key).filter((one) => one.step !== point.step && one.state === 'done')
    : [];
  await write(publishing, trend, { ...opened, points: [...others, ...earlier, next] });
  for (const one of earlier) ledger.putPoint({ ...one, state: 'done' });
  ledger.putPoint({ ...next, metrics: Object.fromEntries(point.metrics), state: 'done' });
  return opened.isNew ? 'created' : 'updated';
}

/**
 * Takes back the point of a model that has no rows in the window any more. A trend without any point is deleted:
 * a run that read Langfuse today would not make it.
 */
export async function retractTrendPoint(
  publishing: Publishing,
  trend: PlacedTrendPoint,
): Promise<void> {
  const { ledger } = publishing;
  const { key, step } = trend.point;
  const entry = ledger.get(key);
  const others = ledger.points(key).filter((one) => one.step !== step);
  if (others.some(isShown) || (await hasOtherPoints(publishing, entry, step))) {
    if (ledger.getPoint(key, step) !== null) await publishTrendPoint(publishing, trend);
    return;
  }
  if (entry !== null) await deletePublished(publishing, entry);
  for (const one of ledger.points(key)) ledger.removePoint(key, one.step);
}

/** Whether MLflow holds points of windows that this ledger has never heard of, as after the state was lost. */
async function hasOtherPoints(
  publishing: Publishing,
  entry: LedgerEntry | null,
  step: number,
): Promise<boolean> {
  if (entry === null || entry.runId === null) return false;
  const latest = new Map<number, number>();
  // In order of step and time: the last one of a step is the one that is shown.
  for (const one of await publishing.target.metricHistory(entry.runId, countedMetric))
    latest.set(one.step, one.value);
  return [...latest].some(([at, value]) => at !== step && !Number.isNaN(value));
}

/** Every point that is shown has it. */
const countedMetric = 'requests';

interface OpenedTrend {
  readonly run: RunRef;
  readonly entry: LedgerEntry;
  /** As MLflow has it; null when it was just created. */
  readonly stored: StoredRun | null;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly isNew: boolean;
  readonly isMadeAgain: boolean;
}

async function openTrend(publishing: Publishing, trend: PlacedTrendPoint): Promise<OpenedTrend> {
  const { target, ledger } = publishing;
  const spec = toTrendRun({
    source: trend.source,
    model: trend.model,
    startMs: Math.min(trend.point.timestampMs, ...toStarts(trend)),
  });
  const known = ledger.get(spec.key);
  const stored = await findStored(publishing, known, spec.key);
  if (stored === null) {
    const isMadeAgain = known !== null && known.runId !== null;
    if (isMadeAgain) publishing.onMadeAgain({ name: spec.name, runId: known.runId ?? '' });
    const created = await createPublished(publishing, spec);
    const opened = { stored, params: spec.params, tags: {}, isNew: true, isMadeAgain };
    return { ...created, ...opened };
  }
  const revision = toStoredRevision(stored);
  const wanted = toRunTags(spec, { parentRunId: null, revision });
  const tags = Object.keys(wanted);
  return {
    run: stored,
    entry: toEntry(spec, { run: stored, revision, parentRunId: null, tags }),
    stored,
    params: Object.fromEntries(
      Object.entries(spec.params).filter(([name]) => stored.params[name] === undefined),
    ),
    tags: toTagChanges(target, { wanted, stored: stored.tags, written: known?.tags ?? [] }),
    isNew: stored.tags[hashTag] === undefined,
    isMadeAgain: false,
  };
}

function toStarts({ earlier = [], point, windowToMs }: PlacedTrendPoint): number[] {
  return earlier.map(({ step }) => step * (windowToMs - point.timestampMs));
}

/** The point as it is written ahead: with every name that may be in MLflow, so that none is forgotten when it must be retracted. */
function toPoint(
  point: TrendPointSpec,
  was: {
    readonly before: TrendPoint | null;
    readonly isInStep: boolean;
    readonly stored: StoredRun | null;
  },
): TrendPoint {
  const { before } = was;
  const goesOn = before !== null && before.state !== 'done' && before.hash === point.hash;
  const isFirst = before === null && was.isInStep;
  const behind = was.isInStep || was.stored === null ? 0 : toStoredRevision(was.stored) + 1;
  const revision = isFirst ? 0 : Math.max((before?.revision ?? -1) + 1, behind);
  return {
    key: point.key,
    step: point.step,
    revision: goesOn ? before.revision : revision,
    hash: point.hash,
    metrics: { ...before?.metrics, ...Object.fromEntries(point.metrics) },
    state: 'writing',
  };
}

async function write(
  publishing: Publishing,
  trend: PlacedTrendPoint,
  opened: OpenedTrend & { readonly points: readonly TrendPoint[] },
): Promise<void> {
  const { target, ledger, clock } = publishing;
  const { point } = trend;
  const { runId } = opened.run;
  const all = ledger.points(point.key);
  const newest = Math.max(...all.filter(isShown).map((one) => one.step));
  const windowMs = trend.windowToMs - point.timestampMs;
  const writesNewest = newest <= point.step || opened.points.some((one) => one.step === newest);
  if (Number.isFinite(newest) && (writesNewest || opened.isMadeAgain)) {
    const endMs = (newest + 1) * windowMs;
    await target.updateRun({ runId, status: 'FINISHED', endMs });
  }
  const hash = toHash(all);
  const revision = all.reduce((sum, one) => sum + one.revision, 0);
  await target.logBatch({
    runId,
    metrics: opened.points.flatMap((one) => toMetrics(one, { current: point, windowMs })),
    params: opened.params,
    tags: {
      ...opened.tags,
      [hashTag]: hash,
      [revisionTag]: String(revision),
      [completeTag]: 'true',
    },
  });
  ledger.put({ ...opened.entry, state: 'done', hash, revision }, clock.now());
}

function toMetrics(
  one: TrendPoint,
  place: { readonly current: TrendPointSpec; readonly windowMs: number },
): LogBatch['metrics'][number][] {
  const isCurrent = one.step === place.current.step;
  return Object.entries(one.metrics).map(([key, value]) => ({
    key,
    value: isCurrent ? (place.current.metrics.get(key) ?? Number.NaN) : value,
    step: one.step,
    timestampMs: one.step * place.windowMs + one.revision,
  }));
}

/** False for a point that was taken back. */
function isShown(point: TrendPoint): boolean {
  return point.hash !== nothingHash;
}

const nothingHash = hashOf([]);

/** Over the points that are shown: what was taken back is as if it had never been. */
function toHash(points: readonly TrendPoint[]): string {
  return hashOf(points.filter(isShown).map((one) => [one.step, one.hash]));
}
