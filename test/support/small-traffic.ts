/** Four days of the sample team, small enough for real MLflow servers, with every case that two weeks have. */
import type { SampleObservation, SampleTraffic } from '../../src/demo/sample-types.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { groupBy } from './group-by.ts';

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;

/** Thursday to Sunday: gateways are upgraded at noon of it, and Friday afternoon's rows of one come a day late. */
export const smallStartMs = Date.UTC(2026, 10, 5);
export const smallDays = 4;

/** The seed is the first one whose traffic has every case of {@link countCases}, but for the rarest, a broken clock. */
export function createSmallTraffic(): SampleTraffic {
  const traffic = createSampleTraffic({
    seed: 683,
    startMs: smallStartMs,
    days: smallDays,
    requestsPerDay: 180,
  });
  return { ...traffic, observations: withBrokenClock(traffic.observations) };
}

/** A local time without its zone: one row ends an hour before it starts (BerriAI/litellm#2857). */
function withBrokenClock(rows: readonly SampleObservation[]): SampleObservation[] {
  const broken = rows.find(
    (row) =>
      row.writer === 'ingestion' &&
      row.truth.kind === 'generation' &&
      row.truth.timeToFirstTokenMs !== null &&
      rows.filter((other) => other.traceId === row.traceId).length === 1,
  );
  if (broken === undefined)
    throw new Error('no row of the small traffic can be given a broken clock');
  return rows.map((row) =>
    row === broken
      ? {
          ...row,
          endMs: (row.endMs ?? row.startMs) - hourMs,
          completionStartMs: null,
          truth: { ...row.truth, latencyMs: null, timeToFirstTokenMs: null },
        }
      : row,
  );
}

/** Half past two in the night after day `index` (0 is the first): when a nightly sync runs. */
export const nightAfter = (index: number): number =>
  smallStartMs + (index + 1) * dayMs + 2.5 * hourMs;

/** How often each oddity of LiteLLM and Langfuse is in the traffic, so that a test can insist on all of them. */
export function countCases(traffic: SampleTraffic): Record<string, number> {
  const rows = traffic.observations;
  const counted = rows.filter((row) => row.truth.kind === 'generation');
  const good = counted.filter((row) => row.level !== 'ERROR');
  const requests = [...groupBy(counted, (row) => row.truth.requestId).values()];
  const sessions = [...groupBy(counted, (row) => row.truth.sessionId)];
  const has = (test: (row: SampleObservation) => boolean): number => good.filter(test).length;
  return {
    'LiteLLM by ingestion': count(counted, (row) => row.writer === 'ingestion'),
    'LiteLLM by OTLP into the new table': count(counted, (row) => row.writer === 'otel_direct'),
    'LiteLLM by langfuse_otel': count(counted, (row) => row.writer === 'otel'),
    'input with the cache inside': has(
      (row) =>
        (row.truth.tokens?.cacheRead ?? 0) > 0 &&
        row.usageDetails['input'] === row.truth.tokens?.prompt,
    ),
    'input without cache reads': has(
      (row) =>
        (row.truth.tokens?.cacheRead ?? 0) > 0 &&
        row.usageDetails['input'] ===
          (row.truth.tokens?.prompt ?? 0) - (row.truth.tokens?.cacheRead ?? 0),
    ),
    'cache writes': has((row) => (row.truth.tokens?.cacheWrite ?? 0) > 0),
    'reasoning tokens': has((row) => (row.truth.tokens?.reasoning ?? 0) > 0),
    'usage of zeros': has(
      (row) =>
        Object.keys(row.usageDetails).length > 0 &&
        Object.values(row.usageDetails).every((tokens) => tokens === 0),
    ),
    'usage without a total': has(
      (row) => row.truth.tokens !== null && row.usageDetails['total'] === undefined,
    ),
    'unknown tokens': has((row) => row.truth.tokens === null),
    'unknown cost': has((row) => row.truth.costUsd === null),
    'cost estimated by Langfuse': has((row) => Object.keys(row.costDetails).length > 1),
    'gateway cache hit': has((row) => row.metadata['cache_hit'] === true),
    'first token that is the end': has(
      (row) => row.truth.timeToFirstTokenMs === null && row.modelParameters?.['stream'] === true,
    ),
    'end before start': has((row) => row.endMs !== null && row.endMs < row.startMs),
    embedding: count(counted, (row) => row.model?.includes('embedding') === true),
    failure: counted.length - good.length,
    'billed failure': count(
      counted,
      (row) => row.level === 'ERROR' && (row.truth.costUsd ?? 0) > 0,
    ),
    'failure without a model': count(counted, (row) => row.model === null),
    retry: count(requests, (attempts) => identities(attempts) > 1),
    fallback: count(requests, (attempts) => new Set(attempts.map((row) => row.model)).size > 1),
    'session over days': count(
      sessions,
      ([id, attempts]) =>
        id !== null && new Set(attempts.map((row) => Math.floor(row.startMs / dayMs))).size > 1,
    ),
    'no session': count(counted, (row) => row.truth.sessionId === null),
    'logged twice': count(rows, (row) => row.truth.kind === 'double_log'),
    'row of another writer': count(rows, (row) => row.truth.kind === 'other'),
    'completed later': rows.length - identities(rows),
    'after the night': count(
      counted,
      (row) => row.availableAtMs > nightAfter(Math.floor((row.startMs - smallStartMs) / dayMs)),
    ),
    'score of an attempt': count(traffic.scores, (score) => score.observationId !== null),
    'score of a trace': count(
      traffic.scores,
      (score) => score.traceId !== null && score.observationId === null,
    ),
    'score of a session': count(traffic.scores, (score) => score.sessionId !== null),
  };
}

const count = <T>(items: readonly T[], test: (item: T) => boolean): number =>
  items.filter(test).length;

const identities = (rows: readonly SampleObservation[]): number =>
  new Set(rows.map((row) => `${row.traceId} ${row.id}`)).size;

/** Two days of a few people: about two hundred calls and twenty-five runs. */
export function createTinyTraffic(): SampleTraffic {
  return createSampleTraffic({
    seed: 26,
    startMs: tinyStartMs,
    days: 2,
    requestsPerDay: 110,
  });
}

const tinyStartMs = Date.UTC(2026, 10, 6);

/** Half past two in the night after the tiny traffic's last day. */
export const tinyNightMs = tinyStartMs + 2 * dayMs + 2.5 * hourMs;
