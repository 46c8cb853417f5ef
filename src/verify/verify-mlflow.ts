/** Does MLflow hold what the state file describes, and nothing else? Reads every run back; writes nothing. */
import { AppError } from '../shared/errors.ts';
import { completeTag, keyTag, sourceTag } from '../runs/tags.ts';
import { toStep, toTrendKey, type TrendPointSpec } from '../runs/trend.ts';
import { listWindows, toInterval, type WindowRow } from '../store/windows.ts';
import type { StoredRun } from '../sync/ports.ts';
import { compareArtifacts } from './compare-artifacts.ts';
import { compareRun, type ExpectedRun } from './compare-run.ts';
import { compareTrend, type ExpectedTrend, type WrongStep } from './compare-trend.ts';
import { describeExpected } from './describe-expected.ts';
import type { ComparedCounts, Note, RunDrift } from './drift.ts';
import { findStrays, type Stray } from './find-strays.ts';
import { chooseRun, type MlflowPlace } from './mlflow-place.ts';

/** A drift with what is needed to mend it. */
export type Finding =
  | {
      readonly of: 'run';
      readonly drift: RunDrift;
      readonly expected: ExpectedRun;
      readonly found: StoredRun | null;
    }
  | {
      readonly of: 'trend';
      readonly drift: RunDrift;
      readonly expected: ExpectedTrend;
      readonly wrongSteps: readonly WrongStep[];
      readonly found: StoredRun | null;
    }
  | Stray;

export interface MlflowVerification {
  readonly compared: ComparedCounts;
  readonly findings: readonly Finding[];
  readonly notes: readonly Note[];
  /** Runs of windows that the state file does not hold, or of a kind that is switched off: nothing to compare with. */
  readonly runsNotChecked: number;
  /** Why no artifact could be read back, or null. */
  readonly artifactsNotChecked: string | null;
}

interface Verifying {
  readonly place: MlflowPlace;
  readonly stored: ReadonlyMap<string, readonly StoredRun[]>;
  readonly describedKeys: Set<string>;
  readonly findings: Finding[];
  readonly notes: Note[];
  readonly compared: { -readonly [Name in keyof ComparedCounts]: number };
  artifactsNotChecked: string | null;
}

/** Throws AppError (MLFLOW_*, CANCELLED), and INTERNAL when a window's numbers disagree with each other. */
export async function verifyMlflow(
  place: MlflowPlace,
  rows: readonly WindowRow[],
): Promise<MlflowVerification> {
  const verifying: Verifying = {
    place,
    stored: await listByKey(place),
    describedKeys: new Set(),
    findings: [],
    notes: [],
    compared: { runs: 0, metrics: 0, params: 0, tags: 0, artifacts: 0, trendPoints: 0 },
    artifactsNotChecked: null,
  };
  const points = new Map<string, TrendPointSpec[]>();
  const expected = describeExpected(place, rows, ({ model, point }) => {
    points.set(model, [...(points.get(model) ?? []), point]);
  });
  await inGroups(expected, place, (run) => verifyRun(verifying, run));
  await inGroups(listTrends(place, { rows, points }), place, (trend) =>
    verifyTrend(verifying, trend),
  );
  const strays = findStrays(place, {
    rows,
    stored: verifying.stored,
    describedKeys: verifying.describedKeys,
  });
  return {
    compared: verifying.compared,
    findings: [...verifying.findings, ...strays.strays],
    notes: verifying.notes,
    runsNotChecked: strays.notChecked,
    artifactsNotChecked: verifying.artifactsNotChecked,
  };
}

/** Runs of this project by their keys. */
async function listByKey(place: MlflowPlace): Promise<Map<string, StoredRun[]>> {
  const runs = new Map<string, StoredRun[]>();
  for await (const run of place.target.listRuns(place.experimentId)) {
    place.signal.throwIfAborted();
    const key = run.tags[keyTag] ?? '';
    // A run that lost its source tag is still the run of its key.
    if (run.tags[sourceTag] !== place.source.projectId && place.ledger.get(key) === null) continue;
    const known = runs.get(key);
    if (known === undefined) runs.set(key, [run]);
    else known.push(run);
  }
  return runs;
}

/** The next item is described only when there is room for it. */
async function inGroups<T>(
  items: Iterable<T>,
  place: MlflowPlace,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let group: T[] = [];
  const finish = async (): Promise<void> => {
    place.signal.throwIfAborted();
    await Promise.all(group.map(work));
    group = [];
  };
  for (const item of items) {
    group.push(item);
    if (group.length >= place.concurrency) await finish();
  }
  await finish();
}

async function verifyRun(verifying: Verifying, expected: ExpectedRun): Promise<void> {
  const { place, findings, notes, compared, stored, describedKeys } = verifying;
  const { spec, entry } = expected;
  describedKeys.add(spec.key);
  const found = chooseRun(stored.get(spec.key) ?? [], entry?.runId ?? null);
  const identity = {
    grain: spec.grain,
    key: spec.key,
    windowFromMs: spec.windowFromMs,
    subject: spec.subject,
  };
  compared.runs += 1;
  if (found === null) {
    const drift: RunDrift = {
      ...identity,
      kind: 'missing',
      runId: entry?.runId ?? null,
      differences: [],
    };
    findings.push({ of: 'run', drift, expected, found });
    return;
  }
  const comparison = compareRun(place.target, expected, found);
  const differences = [
    ...comparison.differences,
    ...(await readArtifacts(verifying, expected, found)),
  ];
  compared.metrics += comparison.compared.metrics;
  compared.params += comparison.compared.params;
  compared.tags += comparison.compared.tags;
  for (const text of comparison.notes) {
    notes.push({ runId: found.runId, grain: spec.grain, subject: spec.subject, text });
  }
  if (entry?.runId !== found.runId || entry.state !== 'done') {
    differences.push({
      what: 'ledger',
      expected: found.runId,
      found: entry === null ? null : `${entry.runId ?? 'no run'} (${entry.state})`,
    });
  }
  if (differences.length === 0) return;
  const kind = found.tags[completeTag] === 'true' ? 'changed' : 'incomplete';
  const drift: RunDrift = { ...identity, kind, runId: found.runId, differences };
  findings.push({ of: 'run', drift, expected, found });
}

async function readArtifacts(
  verifying: Verifying,
  { spec }: ExpectedRun,
  found: StoredRun,
): Promise<RunDrift['differences']> {
  if (verifying.artifactsNotChecked !== null) return [];
  try {
    const differences = await compareArtifacts(verifying.place.target, found, spec.artifacts);
    verifying.compared.artifacts += spec.artifacts.length;
    return differences;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'MLFLOW_ARTIFACTS_UNSUPPORTED') throw error;
    verifying.artifactsNotChecked = error.message;
    return [];
  }
}

function toSteps(rows: readonly WindowRow[]): Set<number> {
  return new Set(rows.map((row) => toStep(toInterval(row))));
}

/** Trends of all models together and of those of the checked windows, and those that the ledger knows from before. */
function* listTrends(
  place: MlflowPlace,
  described: {
    readonly rows: readonly WindowRow[];
    /** Filled while the windows are described, which is before this is looked at. */
    readonly points: ReadonlyMap<string, readonly TrendPointSpec[]>;
  },
): IterableIterator<ExpectedTrend> {
  const source = place.source.projectId;
  const steps = toSteps(described.rows);
  const knownSteps = toSteps(listWindows(place.state, source));
  const models = new Set([
    ...described.points.keys(),
    ...place.ledger.ofGrain(source, 'trend').map((entry) => entry.subject),
  ]);
  for (const model of [...models].toSorted()) {
    yield {
      source,
      model,
      key: toTrendKey({ source, model }),
      windowMs: place.windowMs,
      points: new Map(
        (described.points.get(model) ?? [])
          .filter((point) => point.metrics.size > 0)
          .map((point) => [point.step, point]),
      ),
      steps,
      knownSteps,
    };
  }
}

async function verifyTrend(verifying: Verifying, expected: ExpectedTrend): Promise<void> {
  const { place, findings, compared, stored, describedKeys } = verifying;
  describedKeys.add(expected.key);
  const entry = place.ledger.get(expected.key);
  const found = chooseRun(stored.get(expected.key) ?? [], entry?.runId ?? null);
  const identity = {
    grain: 'trend' as const,
    key: expected.key,
    windowFromMs: null,
    subject: expected.model,
  };
  if (found === null) {
    // A model of which no checked window has a row needs no trend run.
    if (expected.points.size === 0) return;
    compared.runs += 1;
    const runId = entry?.runId ?? null;
    const drift: RunDrift = { ...identity, kind: 'missing', runId, differences: [] };
    findings.push({ of: 'trend', drift, expected, wrongSteps: [], found });
    return;
  }
  compared.runs += 1;
  const comparison = await compareTrend(place, expected, found);
  compared.trendPoints += comparison.comparedPoints;
  const differences = [...comparison.differences];
  if (entry?.runId !== found.runId) {
    differences.push({ what: 'ledger', expected: found.runId, found: entry?.runId ?? null });
  }
  if (differences.length === 0) return;
  const kind = found.tags[completeTag] === 'true' ? 'changed' : 'incomplete';
  const drift: RunDrift = { ...identity, kind, runId: found.runId, differences };
  findings.push({ of: 'trend', drift, expected, wrongSteps: comparison.wrongSteps, found });
}
