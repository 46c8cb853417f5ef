/** Compares a run as it was described with the run that MLflow has. Pure. */
import { metricColumns } from '../metrics/aggregate-query.ts';
import { otherValuesMetric } from '../metrics/other-values.ts';
import { counterMetrics, volatileMetrics } from '../metrics/window-counters.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { completeTag, hashTag } from '../runs/tags.ts';
import type { RunValues, StoredRun, Target } from '../sync/ports.ts';
import { isNoteOfPerson, toRunTags, toTagChanges } from '../sync/run-tags.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import type { Difference } from './drift.ts';

export interface ExpectedRun {
  readonly spec: RunSpec;
  /** What the ledger knows of it; null when it was never published. */
  readonly entry: LedgerEntry | null;
  /** MLflow id of the run it nests under, as the ledger knows it. */
  readonly parentRunId: string | null;
}

export interface RunComparison {
  readonly differences: readonly Difference[];
  /** Differences that are left as they are, each with its reason. */
  readonly notes: readonly string[];
  readonly compared: { readonly metrics: number; readonly params: number; readonly tags: number };
}

/** Times that can't change once they are written; a session's may move when an earlier row comes late. */
const grainsOfFixedStart = new Set(['window', 'model', 'dimension']);

export function compareRun(
  target: Pick<Target, 'toStoredForm'>,
  expected: ExpectedRun,
  found: StoredRun,
): RunComparison {
  const values = toValues(expected);
  const stored = target.toStoredForm(values);
  const { spec, entry } = expected;
  const differences: Difference[] = [
    ...compareTags(target, { wanted: values.tags, written: entry?.tags ?? [], found: found.tags }),
    ...compareRecords('param', stored.params, found.params),
    ...compareRecords('metric', stored.metrics, found.metrics),
    ...unexpectedMetrics(target, { expected, stored, found }),
    ...compareTimes(spec, found),
  ];
  return {
    differences,
    notes: toNotes({ spec, stored, found }),
    compared: {
      metrics: Object.keys(stored.metrics).length,
      params: Object.keys(stored.params).length,
      tags: Object.keys(stored.tags).length,
    },
  };
}

function toValues({ spec, entry, parentRunId }: ExpectedRun): RunValues {
  // Volatile metrics tell of the reading that was last published, which the ledger remembers.
  const metrics = [...spec.metrics].flatMap(([name, value]): [string, number][] => {
    if (!volatileMetrics.has(name)) return [[name, value]];
    const logged = entry?.metrics[name];
    return logged === undefined ? [] : [[name, logged]];
  });
  return {
    name: spec.name,
    tags: {
      ...toRunTags(spec, { parentRunId, revision: entry?.revision ?? 0 }),
      [hashTag]: spec.hash,
      [completeTag]: 'true',
    },
    params: spec.params,
    metrics: Object.fromEntries(metrics),
  };
}

/** Tags that the publisher would send: a description that a person wrote, and tags of others, are none of them. */
export function compareTags(
  target: Pick<Target, 'toStoredForm'>,
  tags: {
    readonly wanted: Readonly<Record<string, string>>;
    readonly written: readonly string[];
    readonly found: Readonly<Record<string, string>>;
  },
): Difference[] {
  const { wanted, written, found } = tags;
  const changes = toTagChanges(target, { wanted, written, stored: found });
  return Object.entries(changes).map(([key, value]) => ({
    what: `tag ${key}`,
    expected: value,
    found: found[key] ?? null,
  }));
}

/** What of `expected` is otherwise or absent in `found`. Other entries of `found` belong to somebody else. */
export function compareRecords(
  kind: 'param' | 'metric',
  expected: Readonly<Record<string, string | number>>,
  found: Readonly<Record<string, string | number>>,
): Difference[] {
  return Object.entries(expected)
    .filter(([key, value]) => !Object.is(found[key], value))
    .map(([key, value]) => ({
      what: `${kind} ${key}`,
      expected: value,
      found: toShown(found[key]),
    }));
}

/** Numbers under names of this worker that the run should not show (any more). */
function unexpectedMetrics(
  target: Pick<Target, 'toStoredForm'>,
  run: {
    readonly expected: ExpectedRun;
    readonly stored: RunValues;
    readonly found: StoredRun;
  },
): Difference[] {
  const { spec, entry } = run.expected;
  const own = Object.fromEntries([
    ...ownMetricNames(spec.grain).map((name) => [name, 0] as const),
    ...Object.entries(entry?.metrics ?? {}),
  ]);
  const names = new Set(Object.keys(target.toStoredForm({ ...emptyValues, metrics: own }).metrics));
  return Object.entries(run.found.metrics)
    .filter(
      ([key, value]) =>
        (names.has(key) || key.startsWith('score/')) &&
        run.stored.metrics[key] === undefined &&
        !volatileMetrics.has(key) &&
        !Number.isNaN(value),
    )
    .map(([key, value]) => ({ what: `metric ${key}`, expected: null, found: value }));
}

const emptyValues: RunValues = { name: '', tags: {}, params: {}, metrics: {} };

function ownMetricNames(grain: RunSpec['grain']): string[] {
  if (grain === 'request') return [];
  const names = metricColumns(grain).map((column) => column.name);
  if (grain === 'dimension') return [...names, otherValuesMetric];
  return grain === 'window' ? [...names, ...counterMetrics.map((metric) => metric.name)] : names;
}

function compareTimes(spec: RunSpec, found: StoredRun): Difference[] {
  const times: [string, string | number, string | number | null][] = [
    ['status', 'FINISHED', found.status],
    ['end', spec.endMs, found.endMs],
    ...(grainsOfFixedStart.has(spec.grain)
      ? [['start', spec.startMs, found.startMs] as [string, number, number]]
      : []),
  ];
  return times
    .filter(([, expected, actual]) => expected !== actual)
    .map(([what, expected, actual]) => ({ what, expected, found: actual }));
}

function toNotes(run: {
  readonly spec: RunSpec;
  readonly stored: RunValues;
  readonly found: StoredRun;
}): string[] {
  const { spec, stored, found } = run;
  const notes: string[] = [];
  if (found.name !== stored.name) {
    notes.push(
      `is named ${JSON.stringify(found.name)} instead of ${JSON.stringify(stored.name)}; names may be changed in MLflow and are kept`,
    );
  }
  if (isNoteOfPerson(found.tags)) {
    notes.push('has a description that a person wrote; it is kept');
  }
  if (
    !grainsOfFixedStart.has(spec.grain) &&
    spec.grain !== 'trend' &&
    spec.startMs !== found.startMs
  ) {
    notes.push(
      'began earlier or later than MLflow shows: a row came late, and MLflow can not change the start of a run',
    );
  }
  return notes;
}

function toShown(value: string | number | undefined): string | number | null {
  if (value === undefined) return null;
  return typeof value === 'number' && Number.isNaN(value) ? 'NaN' : value;
}
