/** Whichever API Langfuse has, and whichever write mode it runs in, the runs are the same. */
import { describe, expect, it } from 'vitest';
import { readLocalPoints, readLocalRuns } from '../support/local-runs.ts';
import { toComparableRuns, type ComparableRun } from '../support/same-runs.ts';
import { createSmallTraffic, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBenchOptions } from '../support/sync-bench.ts';

const traffic = createSmallTraffic();

interface Outcome {
  readonly reader: string;
  readonly runs: ComparableRun[];
  /** By model: every point of its trend. */
  readonly trends: Record<string, unknown>;
}

/** Three nights and one later: rows come late, and are corrected. */
async function syncFrom(server: SyncBenchOptions['server'], rows = traffic): Promise<Outcome> {
  await using bench = await openSyncBench({
    traffic: rows,
    nowMs: nightAfter(0),
    ...(server === undefined ? {} : { server }),
  });
  for (const night of [0, 1, 3, 5]) {
    bench.setNow(nightAfter(night));
    const summary = await bench.sync();
    expect(summary.failed).toEqual([]);
  }
  const stored = readLocalRuns(bench.folder);
  const trends = stored.filter((run) => run.tags['langfuse_mlflow.grain'] === 'trend');
  const [window] = bench.query<{ reader: string }>('SELECT reader FROM windows LIMIT 1');
  return {
    reader: window?.reader ?? '',
    runs: toComparableRuns(stored).map(withoutReading),
    trends: Object.fromEntries(
      trends.map((run) => [run.params['model'], readLocalPoints(bench.folder, run.runId)]),
    ),
  };
}

/**
 * Left out is what tells how a row was read: an API that sends roots sends more rows, and where Langfuse copies a
 * trace's session onto its rows, the row itself names it.
 */
function withoutReading(run: ComparableRun): ComparableRun {
  const {
    rows_read: _read,
    duplicate_rows_dropped: _duplicates,
    rows_not_counted: _notCounted,
    ...metrics
  } = run.metrics;
  const { 'langfuse_mlflow.session_source': sessionSource, ...tags } = run.tags;
  const isLangfuses = sessionSource === 'session_id' || sessionSource === 'trace_session_id';
  return {
    ...run,
    metrics,
    tags: { ...tags, sessionSource: isLangfuses ? 'langfuse' : (sessionSource ?? '') },
  };
}

describe('the runs of a small team', () => {
  it('are the same from each API and each mode of Langfuse', async () => {
    const legacy = await syncFrom({ mode: 'v3-legacy' });
    expect(legacy.reader).toBe('legacy');
    expect(legacy.runs.length).toBeGreaterThan(60);
    for (const [server, reader] of [
      [{ mode: 'dual', duplicateShare: 0.1 }, 'v2'],
      [{ mode: 'events_only' }, 'v2'],
      [{ mode: 'cloud', v2ModelKey: 'providedModelName' }, 'v2'],
      [{ mode: 'v3-preview', hasUnstableTies: true }, 'v2'],
      [{ mode: 'v4-legacy-mode' }, 'legacy'],
    ] as const) {
      const other = await syncFrom(server);
      expect([server.mode, other.reader]).toEqual([server.mode, reader]);
      expect(other.runs).toEqual(legacy.runs);
      expect(other.trends).toEqual(legacy.trends);
    }
  });

  it('are the same from Langfuse 2, for what can reach it', async () => {
    // No OTLP, no score of a session; and its one cost per row does not tell a bill from a guess, so that none
    // is believed of a failure (BerriAI/litellm#4604).
    const ingested = {
      ...traffic,
      observations: traffic.observations.filter(
        (row) =>
          row.writer === 'ingestion' && !(row.level === 'ERROR' && (row.truth.costUsd ?? 0) > 0),
      ),
      traces: traffic.traces.filter((trace) => trace.writer === 'ingestion'),
      scores: traffic.scores.filter((score) => score.sessionId === null),
    };
    const old = await syncFrom({ mode: 'v2.95' }, ingested);
    const current = await syncFrom({ mode: 'dual' }, ingested);
    expect([old.reader, current.reader]).toEqual(['legacy', 'v2']);
    expect(old.runs.length).toBeGreaterThan(30);
    expect(old.runs).toEqual(current.runs);
    expect(old.trends).toEqual(current.trends);
  });
});
