/** The oracle, which sees only HTTP answers, finds what the generator knows it has made. */
import { describe, expect, it } from 'vitest';
import { startSampleServer, type SampleServerOptions } from '../../src/demo/sample-server.ts';
import type { SampleObservation, SampleTraffic } from '../../src/demo/sample-types.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { readOracle, type Oracle, type OracleAttempt } from '../support/oracle.ts';

const traffic = createSampleTraffic({ seed: 7 });

/** Langfuse 2 has no OTLP endpoint: only what came through its ingestion API can be there. */
const ingested: SampleTraffic = {
  ...traffic,
  observations: traffic.observations.filter((row) => row.writer === 'ingestion'),
  traces: traffic.traces.filter((trace) => trace.writer === 'ingestion'),
};

async function ask(options: Partial<SampleServerOptions>, api: 'v1' | 'v2'): Promise<Oracle> {
  await using server = await startSampleServer({ traffic, ...options });
  return await readOracle({
    url: server.url,
    ...server.keys,
    fromMs: traffic.startMs,
    toMs: traffic.endMs,
    api,
  });
}

function expectTruth(oracle: Oracle, expected = traffic): void {
  // Newest version of each counted row: versions follow each other.
  const truth = new Map<string, SampleObservation>();
  for (const row of expected.observations) {
    if (row.truth.kind !== 'other') truth.set(`${row.traceId} ${row.id}`, row);
  }
  const counted = [...truth.values()].filter((row) => row.truth.kind === 'generation');
  expect(oracle.attempts).toHaveLength(counted.length);
  expect(oracle.doubleLogged).toBe(truth.size - counted.length);
  const requestIds = new Map<number, Set<string>>();
  for (const attempt of oracle.attempts) {
    const row = truth.get(`${attempt.traceId} ${attempt.id}`);
    if (!row) throw new Error(`the oracle counts ${attempt.id}, which the generator does not know`);
    expect(toComparable(attempt)).toEqual(toExpected(row));
    const ids = requestIds.get(attempt.request) ?? new Set();
    ids.add(row.truth.requestId ?? '');
    requestIds.set(attempt.request, ids);
  }
  // The same partition of attempts into requests: no group mixes two, and none is split.
  expect([...requestIds.values()].filter((ids) => ids.size !== 1)).toEqual([]);
  expect(oracle.all.requests).toBe(new Set(counted.map((row) => row.truth.requestId)).size);
}

const toComparable = (attempt: OracleAttempt): unknown => ({
  id: attempt.id,
  model: attempt.model,
  isError: attempt.isError,
  tokens: attempt.tokens,
  costUsd: attempt.costUsd,
  latencyMs: attempt.latencyMs,
  timeToFirstTokenMs: attempt.timeToFirstTokenMs,
  sessionId: attempt.sessionId,
});

const toExpected = (row: SampleObservation): unknown => {
  const { tokens } = row.truth;
  return {
    id: row.id,
    model: row.model ?? '(unknown)',
    isError: row.level === 'ERROR',
    tokens: tokens && {
      ...tokens,
      total: tokens.prompt + tokens.completion,
      uncached: tokens.prompt - tokens.cacheRead - tokens.cacheWrite,
    },
    costUsd: row.truth.costUsd,
    latencyMs: row.truth.latencyMs,
    timeToFirstTokenMs: row.truth.timeToFirstTokenMs,
    sessionId: row.truth.sessionId,
  };
};

describe('the oracle finds the generator’s truth', () => {
  it('over the legacy API', async () => {
    expectTruth(await ask({ mode: 'v3-legacy' }, 'v1'));
  });

  it('over the legacy API of Langfuse 2, which has no usage details', async () => {
    expectTruth(await ask({ mode: 'v2.95', traffic: ingested }, 'v1'), ingested);
  });

  it('over the v2 API with synthetic roots and un-merged duplicates', async () => {
    expectTruth(await ask({ mode: 'dual', duplicateShare: 0.05 }, 'v2'));
  });

  it('over an events-only server, where only roots know the session', async () => {
    expectTruth(await ask({ mode: 'events_only' }, 'v2'));
  });
});
