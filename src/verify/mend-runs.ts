/**
 * Mends what MLflow holds otherwise than it was described, run by run. What is only a tag, a time or a file is
 * written in place; numbers are published as a new revision, so that MLflow shows them whatever it holds.
 */
import { completeTag, revisionTag } from '../runs/tags.ts';
import { toTrendPoint } from '../runs/trend.ts';
import type { Clock } from '../shared/clock.ts';
import type { LogBatch, StoredRun } from '../sync/ports.ts';
import { publishRun } from '../sync/publish-run.ts';
import { publishTrendPoint, retractTrendPoint } from '../sync/publish-trend.ts';
import type { Publishing } from '../sync/publishing.ts';
import { toWindow } from './compare-facts.ts';
import { toTrendValues, type ExpectedTrend, type WrongStep } from './compare-trend.ts';
import type { Difference } from './drift.ts';
import type { MlflowPlace } from './mlflow-place.ts';
import type { Finding } from './verify-mlflow.ts';

export interface Mending {
  readonly place: MlflowPlace;
  readonly clock: Clock;
  readonly onMadeAgain: Publishing['onMadeAgain'];
}

/** `publish`: the run is not there, or must be made anew; its windows have to be published again. */
export type MendOutcome = 'mended' | 'publish' | 'left';

/** Throws AppError (MLFLOW_*); a run that was begun then says that it is incomplete, and is mended by the next repair. */
export async function mendFinding(mending: Mending, finding: Finding): Promise<MendOutcome> {
  switch (finding.of) {
    case 'run':
      return mendRun(mending, finding);
    case 'trend':
      return mendTrend(mending, finding);
    case 'stray':
      return mendStray(mending, finding);
  }
}

type RunFinding = Extract<Finding, { of: 'run' }>;
type TrendFinding = Extract<Finding, { of: 'trend' }>;
type StrayFinding = Extract<Finding, { of: 'stray' }>;

async function mendRun(mending: Mending, finding: RunFinding): Promise<MendOutcome> {
  const { expected, found, drift } = finding;
  const { spec, entry } = expected;
  if (found === null) {
    markUnsure(mending, finding);
    return 'publish';
  }
  const isAsPublished =
    entry?.state === 'done' && entry.hash === spec.hash && entry.runId === found.runId;
  const isInPlace = drift.differences.every(
    ({ what }) => /^(tag|artifact) /.test(what) || what === 'status' || what === 'end',
  );
  if (isAsPublished && isInPlace) {
    await writeInPlace(mending, finding, found);
    return 'mended';
  }
  await publishAnew(mending, finding, found);
  // A run that has a wrong param was made anew, and others nest under it.
  const isMadeAnew = namesOf(drift.differences, 'param').some(
    (name) => found.params[name] !== undefined,
  );
  return isMadeAnew ? 'publish' : 'mended';
}

/** Numbers stay as they are. */
async function writeInPlace(
  mending: Mending,
  { expected, drift }: RunFinding,
  found: StoredRun,
): Promise<void> {
  const { target } = mending.place;
  const paths = new Set(namesOf(drift.differences, 'artifact'));
  for (const artifact of expected.spec.artifacts) {
    if (!paths.has(artifact.path)) continue;
    await target.putArtifact({
      run: found,
      path: artifact.path,
      body: await artifact.render(),
      contentType: artifact.contentType,
    });
  }
  if (drift.differences.some(({ what }) => what === 'status' || what === 'end')) {
    await target.updateRun({
      runId: found.runId,
      status: 'FINISHED',
      endMs: expected.spec.endMs,
    });
  }
  await writeTags(mending, found, drift.differences);
}

async function writeTags(
  mending: Mending,
  found: StoredRun,
  differences: readonly Difference[],
): Promise<void> {
  const tags = Object.fromEntries(
    differences
      .filter(({ what }) => what.startsWith('tag '))
      .map(({ what, expected }) => [what.slice('tag '.length), String(expected ?? '')]),
  );
  await logTags(mending, found, tags);
}

function logTags(mending: Mending, found: StoredRun, tags: LogBatch['tags']): Promise<void> {
  return mending.place.target.logBatch({ runId: found.runId, metrics: [], params: {}, tags });
}

/** As a new revision, after every step that MLflow holds of a number that is wrong. */
async function publishAnew(
  mending: Mending,
  { expected, drift }: RunFinding,
  found: StoredRun,
): Promise<void> {
  const { target, ledger } = mending.place;
  const { spec, entry } = expected;
  const wrong = namesOf(drift.differences, 'metric');
  let revision = Math.max(entry?.revision ?? 0, Number(found.tags[revisionTag] ?? 0) || 0);
  for (const name of wrong) {
    for (const point of await target.metricHistory(found.runId, name))
      revision = Math.max(revision, point.step);
  }
  if (entry !== null) {
    const paths = new Set(namesOf(drift.differences, 'artifact'));
    const isSameRun = entry.runId === found.runId;
    ledger.put(
      {
        ...entry,
        runId: found.runId,
        artifactUri: found.artifactUri,
        state: 'writing',
        hash: unsureHash,
        revision,
        // With those that should not be there, so that they are retracted.
        metrics: { ...Object.fromEntries(wrong.map((name) => [name, 0])), ...entry.metrics },
        artifacts: Object.fromEntries(
          Object.entries(entry.artifacts).filter(([path]) => isSameRun && !paths.has(path)),
        ),
      },
      mending.clock.now(),
    );
  }
  if (drift.differences.some(({ what }) => what !== 'ledger')) {
    // While MLflow says that the run is complete, it would be taken for done.
    await logTags(mending, found, { [completeTag]: 'false', [revisionTag]: String(revision) });
  }
  const stored = (await target.getRun(found.runId)) ?? found;
  await publishRun(toPublishing(mending, new Map([[spec.key, stored]])), spec);
}

const unsureHash = 'to be published again';

/** The ledger no longer takes the run for done, so that the publisher looks at MLflow and makes it again. */
function markUnsure(mending: Mending, { expected }: RunFinding): void {
  const { entry } = expected;
  if (entry === null) return;
  mending.place.ledger.put({ ...entry, state: 'writing', hash: unsureHash }, mending.clock.now());
}

async function mendTrend(mending: Mending, finding: TrendFinding): Promise<MendOutcome> {
  const { expected, found, drift, wrongSteps } = finding;
  const { ledger, target } = mending.place;
  if (found === null) {
    await makeTrendAgain(mending, expected);
    return 'mended';
  }
  const entry = ledger.get(expected.key);
  if (entry !== null && entry.runId !== found.runId) {
    const { runId, artifactUri } = found;
    ledger.put({ ...entry, runId, artifactUri }, mending.clock.now());
  }
  const publishing = toPublishing(mending, new Map([[expected.key, found]]));
  for (const wrong of wrongSteps) {
    if (wrong.isAlien) await retractAlien(mending, found, wrong);
    else await mendStep(publishing, expected, wrong);
  }
  if (drift.differences.some(({ what }) => what === 'status' || what === 'end')) {
    const { endMs } = toTrendValues(ledger, expected);
    await target.updateRun({
      runId: found.runId,
      status: 'FINISHED',
      ...(endMs === null ? {} : { endMs }),
    });
  }
  // A point writes the run's tags too.
  if (wrongSteps.every((wrong) => wrong.isAlien))
    await writeTags(mending, found, drift.differences);
  return 'mended';
}

/** The first point makes the run, with all points that the ledger has; further ones write what it does not have. */
async function makeTrendAgain(mending: Mending, expected: ExpectedTrend): Promise<void> {
  const publishing = toPublishing(mending, new Map());
  const { source, model, windowMs } = expected;
  for (const step of [...expected.points.keys()].toSorted((a, b) => a - b)) {
    const point = expected.points.get(step);
    if (point === undefined) continue;
    const windowToMs = point.timestampMs + windowMs;
    await publishTrendPoint(publishing, { source, model, point, windowToMs });
  }
}

/** Points of no window: there is nothing that they should be. */
function retractAlien(mending: Mending, found: StoredRun, wrong: WrongStep): Promise<void> {
  return mending.place.target.logBatch({
    runId: found.runId,
    metrics: wrong.names.map((key) => ({
      key,
      value: Number.NaN,
      step: wrong.step,
      timestampMs: (wrong.newestMs ?? 0) + 1,
    })),
    params: {},
    tags: {},
  });
}

/** Logs the point again, later in time than all that MLflow holds at its step. */
async function mendStep(
  publishing: Publishing,
  expected: ExpectedTrend,
  wrong: WrongStep,
): Promise<void> {
  const { ledger } = publishing;
  const { source, model, windowMs, key } = expected;
  const { step } = wrong;
  const interval = toWindow(step * windowMs, windowMs);
  const before = ledger.getPoint(key, step);
  ledger.putPoint({
    key,
    step,
    revision: Math.max(before?.revision ?? 0, (wrong.newestMs ?? 0) - interval.fromMs),
    hash: unsureHash,
    metrics: { ...before?.metrics, ...Object.fromEntries(wrong.names.map((name) => [name, 0])) },
    state: 'done',
  });
  const placed = { source, model, windowToMs: interval.toMs };
  const point = expected.points.get(step);
  if (point !== undefined) {
    await publishTrendPoint(publishing, { ...placed, point });
    return;
  }
  const empty = toTrendPoint({ source, model, interval, metrics: new Map() });
  await retractTrendPoint(publishing, { ...placed, point: empty });
}

/** Deletes the run where the state file holds all that it takes to say that it should not be. */
async function mendStray(mending: Mending, { drift, found }: StrayFinding): Promise<MendOutcome> {
  const isSure =
    drift.kind === 'duplicate' || (drift.grain !== 'trend' && drift.grain !== 'unknown');
  if (!isSure) return 'left';
  const { target, ledger } = mending.place;
  await target.deleteRun(found.runId);
  if (ledger.get(drift.key)?.runId === found.runId) ledger.remove(drift.key);
  return 'mended';
}

function toPublishing(mending: Mending, found: ReadonlyMap<string, StoredRun>): Publishing {
  const { target, ledger, experimentId } = mending.place;
  return {
    target,
    ledger,
    clock: mending.clock,
    experimentId,
    found,
    looksAgain: true,
    onMadeAgain: mending.onMadeAgain,
  };
}

/** `metric cost_usd` is named `cost_usd`. */
function namesOf(differences: readonly Difference[], kind: string): string[] {
  return differences
    .filter(({ what }) => what.startsWith(`${kind} `))
    .map(({ what }) => what.slice(kind.length + 1));
}
