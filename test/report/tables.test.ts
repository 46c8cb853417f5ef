import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderErrorsTable } from '../../src/report/errors-table.ts';
import { renderModelsTable } from '../../src/report/models-table.ts';
import { renderRequestsTable } from '../../src/report/requests-table.ts';
import { renderSessionsTable } from '../../src/report/sessions-table.ts';
import { renderTable } from '../../src/report/table.ts';
import type { Fact } from '../../src/store/fact.ts';
import { aFact, aFailedFact } from '../support/a-fact.ts';
import { columnOf, readTable } from './read-table.ts';

describe('renderTable', () => {
  it('is the pandas split form', () => {
    const bytes = renderTable({
      columns: ['a', 'b'],
      rows: [
        ['x', 1.5],
        [null, true],
      ],
    });
    expect(new TextDecoder().decode(bytes)).toBe(
      '{"columns":["a","b"],"data":[\n["x",1.5],\n[null,true]\n]}\n',
    );
  });

  it('has an empty list of rows', () => {
    expect(readTable(renderTable({ columns: ['a'], rows: [] })).data).toEqual([]);
  });

  it('refuses a row of another length, a repeated column and a number that is none', () => {
    expect(() => renderTable({ columns: ['a', 'b'], rows: [[1]] })).toThrow(
      '1 cells for 2 columns',
    );
    expect(() => renderTable({ columns: ['a', 'a'], rows: [] })).toThrow('column twice');
    expect(() => renderTable({ columns: ['a'], rows: [[Number.NaN]] })).toThrow('column a is NaN');
    expect(() => renderTable({ columns: ['a'], rows: [[Infinity]] })).toThrow(
      'column a is Infinity',
    );
  });

  it('cleans strings', () => {
    const table = readTable(renderTable({ columns: ['a'], rows: [['\0\ud800\u202E']] }));
    expect(table.data).toEqual([['\ufffd[U+202E]']]);
  });
});

describe('renderRequestsTable', () => {
  it('tells one attempt in full, costs at full precision, flags as true and false', () => {
    const table = readTable(renderRequestsTable([aFact({ cost_usd: 0.1 + 0.2 })], { total: 1 }));
    const row = Object.fromEntries(table.columns.map((name, at) => [name, table.data[0]?.[at]]));
    expect(row).toEqual({
      time: '2026-11-24T10:02:41.552Z',
      model: 'claude-sonnet-4-5',
      status: 'ok',
      error_class: null,
      latency_ms: 12_300,
      time_to_first_token_ms: 1461,
      prompt_tokens: 48_210,
      completion_tokens: 912,
      total_tokens: 49_122,
      cache_read_tokens: 42_000,
      cache_write_tokens: 5000,
      reasoning_tokens: 300,
      cost_usd: 0.30000000000000004,
      cost_source: 'provided',
      session_id: 'session-1',
      user: 'user-1',
      key: 'team-key',
      team: 'Team One',
      client_tool: 'Cline',
      attempt: 1,
      last_attempt: true,
      request_id: 'trace-1/generation-1',
      stream: true,
      cache_hit: false,
      trace_id: 'trace-1',
      observation_id: 'generation-1',
    });
  });

  it('keeps unknown apart from zero', () => {
    const unknown = aFact({
      total_tokens: null,
      prompt_tokens: null,
      cost_usd: null,
      cost_source: 'unknown',
    });
    const table = readTable(
      renderRequestsTable([unknown, aFact({ id: 'z', cost_usd: 0 })], { total: 2 }),
    );
    expect(columnOf(table, 'total_tokens')).toEqual([null, 49_122]);
    expect(columnOf(table, 'cost_usd')).toEqual([null, 0]);
  });

  it('says in a last row how many rows are missing, and nothing when none is', () => {
    const cut = readTable(renderRequestsTable([aFact()], { total: 12_346 }));
    expect(cut.data).toHaveLength(2);
    expect(cut.data[1]?.[0]).toBe('… 12,345 more rows not shown');
    expect(cut.data[1]?.slice(1).every((cell) => cell === null)).toBe(true);
    expect(readTable(renderRequestsTable([aFact()], { total: 2 })).data[1]?.[0]).toBe(
      '… 1 more row not shown',
    );
    expect(readTable(renderRequestsTable([aFact()], { total: 1 })).data).toHaveLength(1);
  });

  it('numbers the attempts of a request in order of time, whatever order they come in', () => {
    const first = aFailedFact({ id: 'a', start_ms: 1000, is_final_attempt: 0 });
    const second = aFailedFact({
      id: 'b',
      start_ms: 2000,
      is_final_attempt: 0,
      request_id: first.request_id,
    });
    const third = aFact({ id: 'c', start_ms: 3000, request_id: first.request_id });
    const other = aFact({ id: 'd', start_ms: 2500 });
    const table = readTable(renderRequestsTable([third, other, second, first], { total: 4 }));
    expect(columnOf(table, 'observation_id')).toEqual(['a', 'b', 'd', 'c']);
    expect(columnOf(table, 'attempt')).toEqual([1, 2, 1, 3]);
    expect(columnOf(table, 'last_attempt')).toEqual([false, false, true, true]);
  });

  it('does not call a fallback the first attempt where the first is in another table', () => {
    const fallback = aFact({ id: 'b', request_id: 'trace-1/a' });
    expect(columnOf(readTable(renderRequestsTable([fallback], { total: 1 })), 'attempt')).toEqual([
      null,
    ]);
  });

  it('shows an instant that no date can name as unknown', () => {
    const table = readTable(renderRequestsTable([aFact({ start_ms: 9e15 })], { total: 1 }));
    expect(columnOf(table, 'time')).toEqual([null]);
  });
});

describe('renderErrorsTable', () => {
  it('has the failed attempts only, and tells which were recovered', () => {
    const recovered = aFailedFact({ id: 'a', start_ms: 1, is_final_attempt: 0 });
    const answer = aFact({ id: 'b', start_ms: 2, request_id: recovered.request_id });
    const retried = aFailedFact({ id: 'c', start_ms: 3, is_final_attempt: 0 });
    const gaveUp = aFailedFact({ id: 'd', start_ms: 4, request_id: retried.request_id });
    const elsewhere = aFailedFact({ id: 'e', start_ms: 5, is_final_attempt: 0 });
    const table = readTable(renderErrorsTable([answer, gaveUp, retried, elsewhere, recovered]));
    expect(columnOf(table, 'observation_id')).toEqual(['a', 'c', 'd', 'e']);
    expect(columnOf(table, 'recovered')).toEqual([true, false, false, null]);
    expect(columnOf(table, 'last_attempt')).toEqual([false, false, true, false]);
  });

  it.each([
    ['one line', 'limit reached', 'limit reached'],
    ['more lines', '\n limit reached \r\nTraceback…', 'limit reached (… 10 characters not shown)'],
    ['a long line', `${'x'.repeat(500)}yyy`, `${'x'.repeat(500)} (… 3 characters not shown)`],
    [
      'a long line before others',
      `${'x'.repeat(600)}\nyyy`,
      `${'x'.repeat(500)} (… 104 characters not shown)`,
    ],
    [
      'a character at the limit',
      `${'x'.repeat(499)}😀😀`,
      `${'x'.repeat(499)} (… 2 characters not shown)`,
    ],
    ['nothing', null, null],
  ])('shows a message of %s', (_case, message, expected) => {
    const table = readTable(renderErrorsTable([aFailedFact({ status_message: message })]));
    expect(columnOf(table, 'message')).toEqual([expected]);
  });

  it('says how many errors are missing', () => {
    const table = readTable(renderErrorsTable([aFailedFact(), aFact({ id: 'ok' })], { total: 3 }));
    expect(table.data.map((row) => row[0])).toEqual([
      '2026-11-24T10:02:41.552Z',
      '… 2 more rows not shown',
    ]);
  });
});

describe('comparison tables', () => {
  const metrics = (entries: Record<string, number>): ReadonlyMap<string, number> =>
    new Map(Object.entries(entries));

  it('has the costliest model first, unknown costs after known ones, then most requests, then by name', () => {
    const table = readTable(
      renderModelsTable([
        { model: 'unknown-few', metrics: metrics({ requests: 1 }) },
        { model: 'cheap', metrics: metrics({ requests: 9, cost_usd: 0 }) },
        { model: 'b', metrics: metrics({ requests: 2, cost_usd: 5 }) },
        { model: 'a', metrics: metrics({ requests: 2, cost_usd: 5 }) },
        { model: 'unknown-many', metrics: metrics({ requests: 70, cost_usd: Number.NaN }) },
        { model: 'dear', metrics: metrics({ requests: 1, cost_usd: 9, 'latency_ms/p95': 1200 }) },
      ]),
    );
    expect(columnOf(table, 'model')).toEqual([
      'dear',
      'a',
      'b',
      'cheap',
      'unknown-many',
      'unknown-few',
    ]);
    expect(columnOf(table, 'cost_usd')).toEqual([9, 5, 5, 0, null, null]);
    expect(columnOf(table, 'latency_ms_p95')).toEqual([1200, null, null, null, null, null]);
  });

  it('names its columns after metrics that the catalogue has', async () => {
    const { catalogue } = await import('../../src/metrics/catalogue.ts');
    const names = new Set(
      catalogue
        .flatMap((metric) =>
          metric.kind === 'scalar'
            ? [metric.name]
            : metric.statistics.map((one) => `${metric.name}/${one}`),
        )
        .map((name) => name.replaceAll('/', '_')),
    );
    for (const bytes of [renderModelsTable([]), renderSessionsTable([])]) {
      expect(
        readTable(bytes)
          .columns.slice(1)
          .filter((name) => !names.has(name)),
      ).toEqual([]);
    }
  });

  it('compares sessions in the same way and says how many are missing', () => {
    const table = readTable(
      renderSessionsTable(
        [
          { sessionId: 'few', metrics: metrics({ requests: 1 }) },
          { sessionId: 'many', metrics: metrics({ requests: 3 }) },
        ],
        { total: 5 },
      ),
    );
    expect(columnOf(table, 'session_id')).toEqual(['many', 'few', '… 3 more rows not shown']);
  });
});

it('every table is JSON with rows of equal length, whatever the facts hold', () => {
  const anyText = fc.option(fc.string({ unit: 'binary', maxLength: 40 }));
  const anyNumber = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
  const anyFact: fc.Arbitrary<Fact> = fc
    .record({
      id: fc.string({ unit: 'binary', maxLength: 10 }),
      request_id: fc.constantFrom('trace-1/a', 'trace-1/b'),
      start_ms: fc.maxSafeInteger(),
      is_error: fc.constantFrom(0, 1),
      is_final_attempt: fc.constantFrom(0, 1),
      model: fc.string({ unit: 'binary', maxLength: 40 }),
      status_message: anyText,
      user_id: anyText,
      key_alias: anyText,
      key_hash: anyText,
      session_id: anyText,
      latency_ms: anyNumber,
      cost_usd: anyNumber,
      prompt_tokens: anyNumber,
    })
    .map((parts) => aFact(parts));
  fc.assert(
    fc.property(fc.array(anyFact, { maxLength: 6 }), fc.nat(20), (facts, total) => {
      const requests = readTable(renderRequestsTable(facts, { total }));
      expect(requests.data).toHaveLength(facts.length + (total > facts.length ? 1 : 0));
      const errors = readTable(renderErrorsTable(facts));
      expect(errors.data).toHaveLength(facts.filter((fact) => fact.is_error === 1).length);
    }),
  );
});
