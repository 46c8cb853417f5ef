/** Rows of an MLflow store as runs of the port. */
import type { MetricPoint, StoredRun } from '../sync/ports.ts';
import { keyTag } from './keys.ts';
import type { OpenStore } from './local-session.ts';

interface RunRow {
  readonly run_uuid: string;
  readonly name: string | null;
  readonly status: string | null;
  readonly start_time: number | null;
  readonly end_time: number | null;
  readonly artifact_uri: string | null;
}

interface PairRow {
  readonly run_uuid: string;
  readonly key: string;
  readonly value: string | null;
}

interface MetricRow {
  readonly run_uuid: string;
  readonly key: string;
  readonly value: number;
  readonly is_nan: number;
}

const runColumns = 'run_uuid, name, status, start_time, end_time, artifact_uri';

/** The active run of that id, or null. */
export function readRun(store: OpenStore, runId: string): StoredRun | null {
  const rows = store
    .prepare(`SELECT ${runColumns} FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'`)
    .all(runId) as RunRow[];
  return toStoredRuns(store, rows)[0] ?? null;
}

/** Active runs of the experiment whose key is one of `keys`. */
export function readRunsByKey(
  store: OpenStore,
  query: { readonly experimentId: string; readonly keys: readonly string[] },
): StoredRun[] {
  const wanted = new Set(query.keys);
  const ids = store.keyIndex.find(store.prepare, [...wanted]);
  const rows = store
    .prepare(
      `SELECT ${runColumns} FROM runs
       WHERE experiment_id = ? AND lifecycle_stage = 'active'
         AND run_uuid IN (SELECT value FROM json_each(?))
       ORDER BY run_uuid`,
    )
    .all(query.experimentId, JSON.stringify(ids)) as RunRow[];
  return toStoredRuns(store, rows).filter(({ tags }) => wanted.has(tags[keyTag] ?? ''));
}

/** The next active runs with the tag `keyTag`, in order of their ids. */
export function readRunPage(
  store: OpenStore,
  query: {
    readonly experimentId: string;
    readonly afterRunId: string;
    readonly limit: number;
  },
): StoredRun[] {
  const rows = store
    .prepare(
      `SELECT ${runColumns} FROM runs
       WHERE experiment_id = @experimentId AND lifecycle_stage = 'active' AND run_uuid > @afterRunId
         AND EXISTS (SELECT 1 FROM tags WHERE tags.key = @keyTag AND tags.run_uuid = runs.run_uuid)
       ORDER BY run_uuid LIMIT @limit`,
    )
    .all({ ...query, keyTag }) as RunRow[];
  return toStoredRuns(store, rows);
}

/** Every point of a metric, in order of step and time. */
export function readMetricHistory(
  store: OpenStore,
  metric: { readonly runId: string; readonly key: string },
): MetricPoint[] {
  const rows = store
    .prepare(
      `SELECT value, is_nan, step, timestamp FROM metrics WHERE run_uuid = @runId AND key = @key
       ORDER BY step, timestamp, value`,
    )
    .all(metric) as { value: number; is_nan: number; step: number; timestamp: number }[];
  return rows.map(({ value, is_nan: isNan, step, timestamp }) => ({
    value: isNan === 0 ? value : Number.NaN,
    step,
    timestampMs: timestamp,
  }));
}

function toStoredRuns(store: OpenStore, rows: readonly RunRow[]): StoredRun[] {
  const ids = JSON.stringify(rows.map(({ run_uuid: runId }) => runId));
  const pairsOf = (table: 'tags' | 'params'): Map<string, Record<string, string>> => {
    const pairs = store
      .prepare(
        `SELECT run_uuid, key, value FROM ${table} WHERE run_uuid IN (SELECT value FROM json_each(?)) ORDER BY key`,
      )
      .all(ids) as PairRow[];
    return groupByRun(pairs, ({ value }) => value ?? '');
  };
  const tags = pairsOf('tags');
  const params = pairsOf('params');
  const metricRows = store
    .prepare(
      'SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE run_uuid IN (SELECT value FROM json_each(?)) ORDER BY key',
    )
    .all(ids) as MetricRow[];
  const metrics = groupByRun(metricRows, ({ value, is_nan: isNan }) =>
    isNan === 0 ? value : Number.NaN,
  );
  return rows.map((row) => ({
    runId: row.run_uuid,
    artifactUri: row.artifact_uri ?? '',
    name: row.name ?? '',
    status: row.status ?? 'RUNNING',
    startMs: row.start_time ?? 0,
    endMs: row.end_time,
    tags: tags.get(row.run_uuid) ?? {},
    params: params.get(row.run_uuid) ?? {},
    metrics: metrics.get(row.run_uuid) ?? {},
  }));
}

function groupByRun<Row extends { readonly run_uuid: string; readonly key: string }, Value>(
  rows: readonly Row[],
  toValue: (row: Row) => Value,
): Map<string, Record<string, Value>> {
  const entries = new Map<string, [string, Value][]>();
  for (const row of rows) {
    const own = entries.get(row.run_uuid);
    if (own === undefined) entries.set(row.run_uuid, [[row.key, toValue(row)]]);
    else own.push([row.key, toValue(row)]);
  }
  return new Map([...entries].map(([runId, own]) => [runId, Object.fromEntries(own)]));
}
