/** Parts of a run by themselves: aggregating, seeing that nothing changed, filling a local store. */
import { buildAggregateQuery } from '../src/metrics/aggregate-query.ts';
import { queryRows } from '../src/store/aggregates.ts';
import { factColumns } from '../src/store/fact.ts';
import { computeInputHash } from '../src/store/input-hash.ts';
import type { State } from '../src/store/open-state.ts';
import { listWindows } from '../src/store/windows.ts';
import { toPublicationHash } from '../src/sync/publication-hash.ts';
import type { Task } from './figures.ts';
import { openWorker, readAsWorker, type Worked } from './work-as-worker.ts';

const grains = [
  { grain: 'model', groupBy: 'model', and: '' },
  { grain: 'trend', groupBy: 'model', and: '' },
  { grain: 'session', groupBy: 'session_id', and: ' AND session_id IS NOT NULL' },
  { grain: 'window', groupBy: null, and: '' },
] as const;

/**
 * Reads the traffic, makes `task.facts` facts of it by copying (each copy its own sessions and calls), and aggregates
 * every window for all grains with all metrics. Only the aggregating is in the notes.
 */
export async function aggregateFacts(task: Task): Promise<Worked> {
  const { aggregates } = await readAsWorker(task);
  await using opened = await openWorker(task);
  const { state, source } = opened.parts;
  const { projectId } = source.description;
  const facts = copyFacts(state, { have: aggregates?.calls ?? 0, want: task.facts });
  const before = process.cpuUsage();
  let groups = 0;
  for (const { from_ms: from } of listWindows(state, projectId)) {
    for (const { grain, groupBy, and } of grains) {
      const where = `source = @source AND window_from_ms = @from${and}`;
      const sql = buildAggregateQuery({ grain, groupBy, where });
      groups += [...queryRows(state, { sql, parameters: { source: projectId, from } })].length;
    }
  }
  const used = process.cpuUsage(before);
  return {
    aggregates,
    notes: { facts, groups, aggregateCpuMs: (used.user + used.system) / 1000 },
  };
}

function copyFacts(
  state: State,
  { have, want }: { readonly have: number; readonly want: number },
): number {
  const named = ['trace_id', 'id', 'session_id', 'request_id'] as const;
  const values = factColumns.map((column) =>
    (named as readonly string[]).includes(column) ? `${column} || '-' || @copy` : column,
  );
  const copy = state.db.prepare(
    `INSERT INTO facts (${factColumns.join(', ')}) SELECT ${values.join(', ')} FROM facts
     WHERE rowid <= (SELECT @last) LIMIT @limit`,
  );
  const last = Number(state.db.prepare('SELECT MAX(rowid) FROM facts').pluck().get());
  let facts = have;
  state.db.transaction(() => {
    for (let nth = 1; facts < want; nth += 1)
      facts += copy.run({ copy: nth, last, limit: want - facts }).changes;
  })();
  return facts;
}

/** What a night with nothing new does for every window after reading: hash what it holds, compare with what was published. */
export async function skipUnchanged(task: Task): Promise<Worked> {
  await using opened = await openWorker(task);
  const { state, source, settings } = opened.parts;
  const { projectId } = source.description;
  const begin = performance.now();
  const before = process.cpuUsage();
  let changed = 0;
  const windows = listWindows(state, projectId);
  for (const row of windows) {
    const input_hash = computeInputHash(state, projectId, row.from_ms);
    toPublicationHash(state, { ...row, input_hash }, settings);
    if (input_hash !== row.input_hash) changed += 1;
  }
  const used = process.cpuUsage(before);
  if (changed > 0) throw new Error(`${changed} windows changed, though nothing was read`);
  return {
    aggregates: null,
    notes: {
      windows: windows.length,
      skipMs: performance.now() - begin,
      skipCpuMs: (used.user + used.system) / 1000,
    },
  };
}

const localRuns = 10_000;
const localMetrics = 20;

/** Runs straight into the local store, by the calls and batches that publishing makes. */
export async function writeLocally(task: Task): Promise<Worked> {
  await using opened = await openWorker(task);
  const { target } = opened;
  const { experimentId } = await target.ensureExperiment('bench local store');
  const begin = performance.now();
  const timestampMs = task.fromMs;
  for (let first = 0; first < localRuns; first += runsAtOnce) {
    await target.batched(async () => {
      for (let nth = first; nth < first + runsAtOnce; nth += 1) {
        const name = `run ${nth}`;
        const tags = { 'langfuse_mlflow.key': name };
        const run = await target.createRun({
          experimentId,
          name,
          startMs: timestampMs,
          tags,
        });
        const metrics = Array.from({ length: localMetrics }, (_, metric) => ({
          key: `metric_${metric}`,
          value: nth * metric,
          step: 0,
          timestampMs,
        }));
        await target.logBatch({ runId: run.runId, metrics, params: {}, tags: {} });
        await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: timestampMs });
      }
    });
  }
  const localMs = performance.now() - begin;
  let written = 0;
  for await (const run of target.listRuns(experimentId)) {
    if (Object.keys(run.metrics).length !== localMetrics)
      throw new Error(`${run.name} lacks metrics`);
    written += 1;
  }
  if (written !== localRuns) throw new Error(`${written} runs are there`);
  return { aggregates: null, notes: { localRuns, localMs } };
}

/** A window is published in one batch: so many sessions a day. */
const runsAtOnce = 2000;
