/** A window that disagrees with itself is not published, and the audit says which numbers do. */
import { noMeasures } from '../../src/shared/measures.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildAggregateQuery, toMetrics } from '../../src/metrics/aggregate-query.ts';
import { queryRows } from '../../src/store/aggregates.ts';
import type { Fact } from '../../src/store/fact.ts';
import { openFactTable } from '../../src/store/fact-table.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { additiveMetrics, auditWindow, type WindowAudit } from '../../src/sync/audit-window.ts';
import { aFact, aFailedFact } from '../support/a-fact.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const source = 'project-1';
const fromMs = Date.UTC(2026, 10, 24);

let folder: ReturnType<typeof openTempFolder>;
let state: State;
beforeEach(() => {
  folder = openTempFolder();
  state = openState(`${folder.path}/state.db`);
});
afterEach(() => {
  state[Symbol.dispose]();
  folder[Symbol.dispose]();
});

function put(...facts: readonly Fact[]): void {
  const table = openFactTable(state, source);
  for (const fact of facts) table.put(fact);
}

function metricsBy(groupBy: string | null): Map<string, Map<string, number>> {
  const rows = queryRows<Record<string, unknown>>(state, {
    sql: buildAggregateQuery({
      grain: groupBy === null ? 'window' : 'model',
      groupBy,
      where: 'source = @source AND window_from_ms = @fromMs',
    }),
    parameters: { source, fromMs },
  });
  return new Map(rows.map((row) => [String(row['group_key']), toMetrics(row)]));
}

function audit(
  change: (window: {
    metrics: Map<string, number>;
    models: Map<string, Map<string, number>>;
  }) => void = () => undefined,
): WindowAudit {
  const metrics =
    metricsBy(null).get('') ??
    new Map([
      ['requests', 0],
      ['attempts', 0],
      ['errors', 0],
    ]);
  const models = metricsBy('model');
  change({ metrics, models });
  return auditWindow(state, { source, fromMs, metrics, models, measures: noMeasures });
}

/** Retries, two models, an unknown cost, a row that was logged twice, and one of another window. */
function putMixed(): void {
  put(
    aFact({ trace_id: 'a', id: '1', cost_usd: 0.1 }),
    aFact({ trace_id: 'a', id: '2', cost_usd: 0.2 }),
    aFailedFact({ trace_id: 'b', id: '1', request_id: 'b/1', is_final_attempt: 0 }),
    aFact({ trace_id: 'b', id: '2', request_id: 'b/1', model: 'gpt-4o', cost_usd: 0.3 }),
    aFailedFact({ trace_id: 'c', id: '1', model: 'gpt-4o' }),
    aFact({ trace_id: 'd', id: '1', cost_usd: null, cost_source: 'unknown', total_tokens: null }),
    aFact({ trace_id: 'e', id: '1', not_counted: 'double_logged' }),
    aFact({ trace_id: 'f', id: '1', window_from_ms: fromMs + 86_400_000 }),
  );
}

describe('a window that agrees with itself', () => {
  test('is told in three numbers for each figure', () => {
    putMixed();
    const { figures, ...counts } = audit();
    expect(counts).toEqual({ facts: 7, counted: 6, models: 2 });
    const of = (metric: string) => figures.find((figure) => figure.metric === metric);
    expect(of('requests')).toEqual({
      metric: 'requests',
      run: 5,
      sum_of_models: 5,
      recomputed: 5,
    });
    expect(of('errors')).toMatchObject({ run: 1, sum_of_models: 1, recomputed: 1 });
    expect(of('failed_attempts')).toMatchObject({ run: 2, sum_of_models: 2, recomputed: 2 });
    expect(of('cost_usd')?.recomputed).toBeCloseTo(0.6, 12);
    expect(of('cost_unknown_requests')).toMatchObject({ run: 1, recomputed: 1 });
    expect(figures.map(({ metric }) => metric)).toEqual([...additiveMetrics]);
  });

  test('may be empty', () => {
    expect(audit()).toMatchObject({ facts: 0, counted: 0, models: 0 });
  });

  test('may hold unbilled failures of one model beside unknown costs of another', () => {
    put(
      aFailedFact({ trace_id: 'a' }),
      aFact({ trace_id: 'b', model: 'gpt-4o', cost_usd: null, cost_source: 'unknown' }),
    );
    const cost = audit().figures.find(({ metric }) => metric === 'cost_usd');
    expect(cost).toEqual({ metric: 'cost_usd', run: null, sum_of_models: 0, recomputed: null });
  });
});

describe('refused, with the number by name', () => {
  test.each(additiveMetrics)('a window whose %s is another than its facts and models', (metric) => {
    putMixed();
    expect(() =>
      audit(({ metrics }) => metrics.set(metric, (metrics.get(metric) ?? 0) + 1)),
    ).toThrow(
      expect.objectContaining({
        code: 'INTERNAL',
        message: expect.stringMatching(
          new RegExp(`window 2026-11-24T00:00:00.000Z .*not published: ${metric} is `),
        ),
      }),
    );
  });

  test.each(additiveMetrics)('a model whose %s is another than its facts', (metric) => {
    putMixed();
    expect(() =>
      audit(({ models }) => {
        models.get('gpt-4o')?.set(metric, 1e6);
      }),
    ).toThrow(new RegExp(`${metric} of gpt-4o is 1000000, its facts sum up to`));
  });

  test('a model that the facts do not have, and one that was forgotten', () => {
    putMixed();
    expect(() => audit(({ models }) => models.set('ghost', new Map([['requests', 1]])))).toThrow(
      /requests of ghost is 1/,
    );
    expect(() => audit(({ models }) => models.delete('gpt-4o'))).toThrow(
      /requests of gpt-4o is unknown, its facts sum up to 2/,
    );
  });

  test('a request that ends twice', () => {
    put(
      aFact({ trace_id: 'a', id: '1', request_id: 'a/1' }),
      aFact({ trace_id: 'a', id: '2', request_id: 'a/1' }),
    );
    expect(() => audit()).toThrow(/requests is 2, its models sum up to 2, its facts to 1/);
  });

  test('an unknown cost that is given as zero', () => {
    put(aFact({ cost_usd: null, cost_source: 'unknown' }));
    expect(() => audit(({ metrics }) => metrics.set('cost_usd', 0))).toThrow(
      /cost_usd is 0, its models sum up to unknown, its facts to unknown/,
    );
  });
});
