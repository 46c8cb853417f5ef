/** The oracle, which sees only HTTP answers, finds what the generator knows it has made. */
import { isDeepStrictEqual } from 'node:util';
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

/** What the oracle sees otherwise than the generator made it: rows, and requests that are mixed or split. */
function differences(oracle: Oracle, expected = traffic): unknown[] {
  // Versions of a row follow each other: the last is the newest.
  const truth = new Map<string, SampleObservation>();
  for (const row of expected.observations) {
    if (row.truth.kind !== 'other') truth.set(`${row.traceId} ${row.id}`, row);
  }
  const counted = [...truth.values()].filter((row) => row.truth.kind === 'generation');
  const found: unknown[] = [];
  if (oracle.attempts.length !== counted.length) found.push({ attempts: oracle.attempts.length });
  if (oracle.doubleLogged !== truth.size - counted.length)
    found.push({ doubles: oracle.doubleLogged });
  const requestIds = new Map<number, Set<string | null>>();
  for (const attempt of oracle.attempts) {
    const row = truth.get(`${attempt.traceId} ${attempt.id}`);
    const seen = toComparable(attempt);
    const made = row && toExpected(row);
    if (!isDeepStrictEqual(seen, made)) found.push({ seen, made });
    const ids = requestIds.get(attempt.request) ?? new Set();
    requestIds.set(attempt.request, ids.add(row?.truth.requestId ?? null));
  }
  for (const ids of requestIds.values()) if (ids.size !== 1) found.push({ mixed: [...ids] });
  const requests = new Set(counted.map((row) => row.truth.requestId)).size;
  if (oracle.all.requests !== requests)
    found.push({ requests: oracle.all.requests, made: requests });
  return found.slice(0, 5);
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
    expect(differences(await ask({ mode: 'v3-legacy' }, 'v1'))).toEqual([]);
  });

  it('over the legacy API of Langfuse 2, which has no usage details', async () => {
    expect(differences(await ask({ mode: 'v2.95', traffic: ingested }, 'v1'), ingested)).toEqual(
      [],
    );
  });

  it('over the v2 API with synthetic roots and un-merged duplicates', async () => {
    expect(differences(await ask({ mode: 'dual', duplicateShare: 0.05 }, 'v2'))).toEqual([]);
  });

  it('over an events-only server, where only roots know the session', async () => {
    expect(differences(await ask({ mode: 'events_only' }, 'v2'))).toEqual([]);
  });
});
