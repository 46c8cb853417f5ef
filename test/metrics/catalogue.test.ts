import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/litellm/generation.ts';
import {
  buildAggregateQuery,
  metricColumns,
  toMetrics,
} from '../../src/metrics/aggregate-query.ts';
import { catalogue } from '../../src/metrics/catalogue.ts';
import { queryRows } from '../../src/store/aggregates.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { aFailure, aGeneration, tokenCounts } from '../support/builders.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const window = interval(Date.UTC(2026, 2, 4), Date.UTC(2026, 2, 5));

/** Folds generations, each its own trace and request, and aggregates them. */
function aggregate(
  generations: readonly Generation[],
  groupBy: string | null = null,
): Map<string, Map<string, number>> {
  using folder = openTempFolder();
  using state: State = openState(`${folder.path}/state.db`);
  foldPages(state, window, [{ generations }]);
  const rows = queryRows<Record<string, unknown>>(state, {
    sql: buildAggregateQuery({
      grain: groupBy === null ? 'window' : 'model',
      groupBy,
      where: 'source = @source',
    }),
    parameters: { source: foldedSource },
  });
  return new Map(rows.map((row) => [String(row['group_key']), toMetrics(row)]));
}

function own(
  n: number,
): Pick<Generation, 'traceId' | 'id' | 'callId' | 'responseId' | 'startMs' | 'endMs'> {
  const startMs = window.fromMs + n * 60_000;
  return {
    traceId: `t${n}`,
    id: `g${n}`,
    callId: `c${n}`,
    responseId: `r${n}`,
    startMs,
    endMs: startMs + 1000,
  };
}

/** Percentile by linear interpolation between closest ranks, written out apart from SQLite's. */
function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = ((sorted.length - 1) * p) / 100;
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? Number.NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}

interface Call {
  readonly latencyMs: number | null;
  readonly tokens: {
    readonly uncached: number;
    readonly read: number;
    readonly output: number;
  } | null;
  readonly costUsd: number | null;
  readonly isError: boolean;
}

/** The metrics that {@link byPlainLoops} knows, null where one is not published. */
function rounded(
  metrics: ReadonlyMap<string, number> | undefined,
): Record<string, number | null> | null {
  if (metrics === undefined) return null;
  return Object.fromEntries(comparedNames.map((name) => [name, round(metrics.get(name) ?? null)]));
}

function round(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(8));
}

const percentiles = [50, 90, 95, 99] as const;
const comparedNames = [
  'requests',
  'errors',
  'error_rate',
  'cost_unknown_requests',
  'usage_unknown_requests',
  'cache_read_tokens',
  'total_tokens',
  'cost_usd',
  'latency_ms/max',
  ...percentiles.map((p) => `latency_ms/p${p}`),
];

function byPlainLoops(calls: readonly Call[]): Record<string, number | null> {
  const good = calls.filter((one) => !one.isError);
  const known = good.flatMap((one) => one.tokens ?? []);
  const costs = good.flatMap((one) => one.costUsd ?? []);
  const unknownCosts = good.filter((one) => one.costUsd === null).length;
  const latencies = good.flatMap((one) => one.latencyMs ?? []);
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  return {
    requests: calls.length,
    errors: calls.length - good.length,
    error_rate: round((calls.length - good.length) / calls.length),
    cost_unknown_requests: unknownCosts,
    usage_unknown_requests: good.length - known.length,
    cache_read_tokens: known.length === 0 ? null : sum(known.map((one) => one.read)),
    total_tokens:
      known.length === 0 ? null : sum(known.map((one) => one.uncached + one.read + one.output)),
    cost_usd: costs.length > 0 ? round(sum(costs)) : unknownCosts > 0 ? null : 0,
    'latency_ms/max': latencies.length === 0 ? null : Math.max(...latencies),
    ...Object.fromEntries(
      percentiles.map((p) => [
        `latency_ms/p${p}`,
        latencies.length === 0 ? null : round(percentile(latencies, p)),
      ]),
    ),
  };
}

describe('the metric catalogue', () => {
  it('has each name once, each with a meaning', () => {
    const names = metricColumns('window').map((column) => column.name);
    expect(new Set(names).size).toBe(names.length);
    for (const metric of catalogue) expect(metric.meaning).toMatch(/\.$/);
  });

  it('uses names that MLflow takes as they are', () => {
    for (const grain of ['window', 'model', 'session', 'trend'] as const) {
      for (const { name } of metricColumns(grain))
        expect(name).toMatch(/^[a-z0-9_]+(\/[a-z0-9_]+)?$/);
    }
  });

  it('equals plain loops over the same generations', () => {
    const call = fc.record({
      latencyMs: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: null }),
      tokens: fc.option(
        fc.record({ uncached: fc.nat(5000), read: fc.nat(5000), output: fc.nat(3000) }),
        { nil: null },
      ),
      costUsd: fc.option(
        fc.integer({ min: 0, max: 1_000_000 }).map((micro) => micro / 1e6),
        { nil: null },
      ),
      isError: fc.boolean(),
      model: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 25 }), (calls) => {
        const generations = calls.map((one, n) => {
          if (one.isError)
            return aFailure({ ...own(n), model: one.model, latencyMs: one.latencyMs });
          const promptTokens = (one.tokens?.uncached ?? 0) + (one.tokens?.read ?? 0);
          const completionTokens = one.tokens?.output ?? 0;
          return aGeneration({
            ...own(n),
            model: one.model,
            latencyMs: one.latencyMs,
            timeToFirstTokenMs: null,
            costUsd: one.costUsd,
            costSource: one.costUsd === null ? 'unknown' : 'provided',
            usageFault: one.tokens === null ? 'missing' : null,
            tokens:
              one.tokens === null
                ? null
                : tokenCounts({
                    promptTokens,
                    completionTokens,
                    totalTokens: promptTokens + completionTokens,
                    cacheReadTokens: one.tokens.read,
                    cacheWriteTokens: 0,
                    uncachedPromptTokens: one.tokens.uncached,
                    reasoningTokens: 0,
                  }),
          });
        });
        const byModel = aggregate(generations, 'model');
        for (const model of ['a', 'b']) {
          const mine = calls.filter((one) => one.model === model);
          expect(rounded(byModel.get(model))).toEqual(
            mine.length === 0 ? null : byPlainLoops(mine),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('publishes nothing for what nobody knows: no zero latency, no zero tokens, no zero cost', () => {
    const metrics = aggregate([
      aGeneration({
        ...own(1),
        tokens: null,
        usageFault: 'missing',
        costUsd: null,
        costSource: 'unknown',
        latencyMs: null,
        timingFault: 'no_end',
        timeToFirstTokenMs: null,
      }),
    ]).get('');
    const unknown = [
      'cost_usd',
      'total_tokens',
      'latency_ms/mean',
      'time_to_first_token_ms/p50',
      'cost_per_request_usd',
      'tool_calls',
    ];
    expect(unknown.filter((name) => metrics?.has(name))).toEqual([]);
    expect(metrics?.get('cost_unknown_requests')).toBe(1);
    expect(metrics?.get('timing_rejected_requests')).toBe(1);
  });

  it('publishes a zero that is known: no session and no tool call is 0, not absent', () => {
    const metrics = aggregate([aGeneration({ ...own(1), toolCalls: 0, sessionId: null })]).get('');
    expect(metrics?.get('requests_with_session')).toBe(0);
    expect(metrics?.get('requests_with_tool_calls')).toBe(0);
    expect(metrics?.get('tool_calls')).toBe(0);
  });

  it('does not let an unbilled failure make an unpriced model look free', () => {
    const unpriced = { model: 'local', costUsd: null, costSource: 'unknown' } as const;
    const failure = aFailure({ ...own(2), model: 'local' });
    expect(failure.costUsd).toBe(0);
    const metrics = aggregate([aGeneration({ ...own(1), ...unpriced }), failure], 'model').get(
      'local',
    );
    expect(metrics?.has('cost_usd')).toBe(false);
    expect(metrics?.has('cost_per_request_usd')).toBe(false);
  });

  it('counts a retried request once, at the model of its last attempt', () => {
    const failed = aFailure({ ...own(1), callId: 'call', responseId: null, model: 'a' });
    const second = aGeneration({
      ...own(1),
      id: 'g1b',
      callId: 'call',
      model: 'b',
      startMs: failed.startMs + 2000,
      endMs: failed.startMs + 3000,
    });
    const byModel = aggregate([failed, second], 'model');
    expect(byModel.get('a')?.get('requests')).toBe(0);
    expect(byModel.get('a')?.get('failed_attempts')).toBe(1);
    expect(byModel.get('a')?.has('error_rate')).toBe(false);
    expect(byModel.get('b')?.get('requests')).toBe(1);
    expect(byModel.get('b')?.get('errors')).toBe(0);
  });

  it('gives no row for a window without facts', () => {
    expect(aggregate([]).size).toBe(0);
  });
});
