/** A synced project to damage and verify, and the words in which tests name what `verify` found. */
import { expect } from 'vitest';
import type { SampleObservation } from '../../src/demo/sample-types.ts';
import type { StoredRun } from '../../src/sync/ports.ts';
import type { VerifySummary } from '../../src/verify/run-verify.ts';
import type { DamagedMlflow } from './damage.ts';
import { createTinyTraffic, dayMs, hourMs, tinyNightMs } from './small-traffic.ts';
import { openSyncBench, toLocalUri, type SyncBench } from './sync-bench.ts';

/** The second day is looked back at, the first is not. */
const shortLookback = { SYNC_LOOKBACK: '1d' };
export const firstDayMs = Date.UTC(2026, 10, 6);

export interface VerifyPlace {
  readonly bench: SyncBench;
  readonly trackingUri: string;
}

/** A synced, clean project; `experimentName` keeps tests on one server apart. */
export async function openSynced(
  server: string | null,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<VerifyPlace & AsyncDisposable> {
  const bench = await openSyncBench({
    traffic: createTinyTraffic(),
    nowMs: tinyNightMs,
    env: { ...shortLookback, ...env },
    experimentName: name,
    ...(server === null ? {} : { trackingUri: server }),
  });
  const summary = await bench.sync();
  expect(summary.failed).toEqual([]);
  return {
    bench,
    trackingUri: server ?? toLocalUri(bench.folder),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** `changed model gpt-5-mini: metric cost_usd` and `missing generation late`, sorted. */
export function named(summary: Pick<VerifySummary, 'langfuse' | 'mlflow'>): string[] {
  const rows = summary.langfuse.drift.flatMap((drift) =>
    drift.isUnread
      ? [`unread ${new Date(drift.window.fromMs).toISOString().slice(0, 10)}`]
      : drift.rows.map((row) =>
          [
            `${row.kind} ${row.of} ${row.id}`,
            ...(row.differences.length === 0
              ? []
              : [row.differences.map((one) => one.what).join(', ')]),
          ].join(': '),
        ),
  );
  const runs = summary.mlflow.findings.map(({ drift }) =>
    [
      `${drift.kind} ${drift.grain}${drift.subject === '' ? '' : ` ${drift.subject}`}`,
      ...(drift.differences.length === 0
        ? []
        : [drift.differences.map((one) => one.what).join(', ')]),
    ].join(': '),
  );
  return [...rows, ...runs].toSorted();
}

/** A call of the first day that nobody knew of, in a trace of its own. */
export function addLateRow({ bench }: VerifyPlace): SampleObservation {
  const { store } = bench.server;
  const row = store
    .view()
    .observations.find(
      (one) =>
        one.truth.kind === 'generation' &&
        one.level !== 'ERROR' &&
        one.startMs < firstDayMs + dayMs &&
        one.metadata['cache_hit'] !== true &&
        Object.keys(one.costDetails).length === 1,
    );
  if (row === undefined) throw new Error('the tiny traffic has no priced call on its first day');
  const trace = store.view().traces.get(row.traceId);
  if (trace === undefined) throw new Error(`no trace ${row.traceId}`);
  const late = {
    ...row,
    id: 'late-row',
    traceId: 'late-trace',
    metadata: { ...row.metadata, litellm_call_id: 'late', response_id: 'late' },
    availableAtMs: bench.nowMs() - hourMs,
  };
  store.putTrace({ ...trace, id: 'late-trace', sessionId: null });
  store.putObservation(late);
  return late;
}

export async function aRunOf(
  mlflow: DamagedMlflow,
  grain: string,
  which: (run: StoredRun) => boolean = () => true,
): Promise<StoredRun> {
  const run = [...(await mlflow.runs()).entries()].find(
    ([label, one]) => label.startsWith(`${grain} `) && which(one),
  )?.[1];
  if (run === undefined) throw new Error(`no run of grain ${grain}`);
  return run;
}

/** Someone rates a call, at a time of their own. */
export function addScore(
  bench: SyncBench,
  score: { readonly id: string; readonly of: SampleObservation; readonly timestampMs: number },
): void {
  const { id, of: row, timestampMs } = score;
  bench.server.store.putScore({
    id,
    name: 'rating',
    dataType: 'NUMERIC',
    value: 0.5,
    stringValue: null,
    source: 'API',
    comment: null,
    environment: 'default',
    timestampMs,
    createdMs: timestampMs,
    updatedMs: timestampMs,
    availableAtMs: timestampMs,
    traceId: row.traceId,
    observationId: row.id,
    sessionId: null,
  });
}
