/** For any set of facts: the runs of a dimension part its window, and the rest is counted over its own facts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noMeasures, type Dimension } from '../../src/shared/measures.ts';
import { factColumns, type Fact } from '../../src/store/fact.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { additiveMetrics } from '../../src/sync/audit-window.ts';
import { describeDimensions } from '../../src/sync/describe-dimensions.ts';
import type { DescribedSource } from '../../src/sync/described-source.ts';
import { groupMetrics } from '../../src/sync/group-metrics.ts';
import type { RunSpec } from '../../src/runs/run-spec.ts';
import { toInstant } from '../../src/shared/time.ts';
import { aFact } from '../support/a-fact.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const fromMs = Date.UTC(2026, 10, 24);
const interval = { fromMs: toInstant(fromMs), toMs: toInstant(fromMs + 86_400_000) };

const anyValue = fc.option(
  fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      'c',
      'd',
      '',
      '(other)',
      '(none)',
      'n',
      'o',
      'v',
      "it's",
      '["a"]',
      '😀',
    ),
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => text.replaceAll('\u0000', '')),
  ),
  { nil: null },
);
const anyFact = fc.record({
  user_id: anyValue,
  is_final_attempt: fc.constantFrom(0, 1),
  is_error: fc.constantFrom(0, 1),
  prompt_tokens: fc.option(fc.nat(10_000), { nil: null }),
  cost: fc.oneof(
    fc.record({
      cost_usd: fc.integer({ min: 0, max: 1000 }).map((n) => n / 64),
      cost_source: fc.constant('provided'),
    }),
    fc.constant({ cost_usd: null, cost_source: 'unknown' }),
    fc.constant({ cost_usd: 0, cost_source: 'not_billed' }),
  ),
  latency_ms: fc.option(fc.nat(5000), { nil: null }),
});

function put(state: State, facts: readonly Fact[]): void {
  const names = factColumns.map((column) => `@${column}`).join(', ');
  const insert = state.db.prepare(
    `INSERT INTO facts (${factColumns.join(', ')}) VALUES (${names})`,
  );
  for (const fact of facts) insert.run(fact);
}

function describeFacts(
  facts: readonly Fact[],
  dimension: Dimension,
): { readonly runs: readonly RunSpec[]; readonly window: ReadonlyMap<string, number> } {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  put(state, facts);
  const source: DescribedSource = {
    projectId: 'project-1',
    projectName: null,
    baseUrl: 'http://127.0.0.1',
    runsPage: null,
    privacy: {
      text: { kind: 'all' },
      redact: { kinds: [], patterns: [] },
      maxTextBytes: null,
      hashed: { kinds: [], key: null },
    },
    measures: { ...noMeasures, dimensions: [dimension] },
  };
  const window =
    groupMetrics(
      { state, source },
      { grain: 'window', groupBy: null, where: 'source = @source' },
      { source: source.projectId },
    ).get('') ?? new Map<string, number>();
  return { runs: describeDimensions({ state, source }, { interval, window }), window };
}

describe('dimension runs', () => {
  test('add up to their window, each value once, at most as many as asked for', () => {
    fc.assert(
      fc.property(
        fc.array(anyFact, { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        (drawn, top) => {
          const facts = drawn.map(({ cost, ...parts }, n) =>
            aFact({ ...parts, ...cost, trace_id: `t${n}`, id: `g${n}`, request_id: `t${n}` }),
          );
          const { runs, window } = describeFacts(facts, {
            name: 'user',
            sql: 'user_id',
            isTags: false,
            top,
          });
          for (const metric of additiveMetrics) {
            const sum = runs.reduce((total, run) => total + (run.metrics.get(metric) ?? 0), 0);
            expect(sum).toBeCloseTo(window.get(metric) ?? 0, 9);
          }
          expect(new Set(runs.map((run) => run.key)).size).toBe(runs.length);
          const own = runs.filter((run) => run.params['dimension_group'] === 'value');
          expect(own.length).toBeLessThanOrEqual(top);
          const values = new Set(
            facts.map((fact) => fact.user_id).filter((value) => value !== null && value !== ''),
          );
          const rest = runs.find((run) => run.params['dimension_group'] === 'other');
          expect(own.length + (rest?.metrics.get('other_values') ?? 0)).toBe(values.size);
          const requestsOf = (value: string | null): number =>
            facts.filter((fact) => fact.user_id === value && fact.is_final_attempt === 1).length;
          const least = Math.min(...own.map((run) => run.metrics.get('requests') ?? 0));
          const shown = new Set(own.map((run) => run.params['dimension_value']));
          const hidden = [...values].filter((value) => value !== null && !shown.has(value));
          const mostHidden = Math.max(0, ...hidden.map(requestsOf));
          expect(hidden.length === 0 || mostHidden <= least).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of tags overlap: a call counts under each of its tags once, and says so', () => {
    const facts = [['a', 'b', 'a'], ['a'], [], ['c', 'b']].map((tags, n) =>
      aFact({ trace_id: `t${n}`, id: 'g', request_id: `t${n}`, tags: JSON.stringify(tags) }),
    );
    const { runs } = describeFacts(facts, { name: 'tag', sql: 'tags', isTags: true, top: 2 });
    expect(runs.map((run) => [run.params['dimension_value'], run.metrics.get('requests')])).toEqual(
      [
        ['a', 2],
        ['b', 2],
        ['(none)', 1],
        ['(other)', 1],
      ],
    );
    expect(runs[0]?.tags['mlflow.note.content']).toContain('the runs do not add up');
  });

  test('a value that looks like the rest is not taken for it', () => {
    const facts = ['(other)', 'x', 'x', null].map((user_id, n) =>
      aFact({ user_id, trace_id: `t${n}`, id: 'g', request_id: `t${n}` }),
    );
    const { runs } = describeFacts(facts, { name: 'user', sql: 'user_id', isTags: false, top: 5 });
    expect(runs.map((run) => run.subject)).toEqual([
      '["user","x"]',
      '["user","(other)"]',
      '["user",null]',
    ]);
  });
});
