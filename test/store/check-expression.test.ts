/** Which SQL expressions a settings file may hold: those that make one number of facts and touch nothing else. */
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckedSql } from '../../src/shared/measures.ts';
import { openExpressionCheck } from '../../src/store/check-expression.ts';

const opened = openExpressionCheck();
afterAll(() => opened[Symbol.dispose]());

const check = (kind: CheckedSql['kind'], sql: string): string | null => opened.check({ kind, sql });

describe('an own metric', () => {
  test.each([
    'SUM(completion_tokens) * 1.0 / NULLIF(SUM(prompt_tokens), 0)',
    "AVG(json_extract(metadata, '$.your_metric'))",
    "SUM(metadata ->> '$.a' > 1)",
    'COUNT(*)',
    'COUNT(DISTINCT user_id)',
    'percentile(latency_ms, 99.9)',
    'median(latency_ms)',
    "SUM(cost_usd) FILTER (WHERE client_tool = 'Cline' AND model IN ('a', 'b'))",
    "SUM(strftime('%H', start_ms / 1000, 'unixepoch') < '06')",
    "MAX(CASE WHEN status_message LIKE '%select%;--%' THEN 1 ELSE 0 END)",
    'SUM("is_error")',
    'CAST(MAX(end_ms) - MIN(start_ms) AS REAL)',
    "SUM(source = 'project')",
    'round(SUM(cost_usd), 2)',
  ])('%s', (sql) => {
    expect(check('metric', sql)).toBeNull();
  });

  test.each([
    ['prompt_tokens', /is no aggregate/],
    ['1', /is no aggregate/],
    ['SUM(latency_ms) + latency_ms', /depends on the order of facts/],
    ['MAX(model)', /gives text/],
    ['SUM(no_such_column)', /no such column: no_such_column/],
    ['SUM(prompt_tokens', /leaves a bracket open/],
    ['SUM(prompt_tokens))', /closes a bracket that it did not open/],
    ['SUM(prompt_tokens), SUM(total_tokens)', /more than one expression/],
    ['', /is empty/],
    ['SUM(1) FROM facts', /SQLite refuses/],
    ['SUM(a) AS b', /SQLite refuses/],
    ['percentile(latency_ms, 200)', /SQLite refuses/],
    ["SUM(json_extract(metadata, 'a b'))", /SQLite refuses/],
    ["SUM('", /open quote/],
  ])('%s is refused: %s', (sql, reason) => {
    expect(check('metric', sql)).toMatch(reason);
  });
});

/** Each tries to read, write, wait or change its mind. None may pass in any place. */
const hostile = [
  '(SELECT MAX(cost_usd) FROM facts)',
  'SUM((SELECT COUNT(*) FROM ledger))',
  '(SELECT 1)',
  'EXISTS (SELECT 1 FROM lease)',
  '(WITH a AS (VALUES (1)) SELECT * FROM a)',
  '(VALUES (1))',
  'SUM(prompt_tokens IN lease)',
  'SUM(prompt_tokens IN released_texts)',
  'prompt_tokens IN released_texts',
  'prompt_tokens IN sqlite_schema',
  'prompt_tokens IN pragma_page_count',
  'SUM(prompt_tokens IN pragma_page_count)',
  "SUM(1 IN json_each('[1]'))",
  'SUM(1); DROP TABLE facts',
  'SUM(1);',
  "SUM(1)); ATTACH 'x.db' AS y; --",
  'PRAGMA writable_schema = 1',
  "ATTACH DATABASE 'x.db' AS x",
  'SUM(1)) FROM lease UNION SELECT (1',
  '1) FROM counted_facts UNION SELECT (holder) FROM lease WHERE (1',
  '1) OR (1',
  '1) /*',
  '1 /* SUM(1) */',
  'SUM(1) -- all of it',
  "load_extension('evil.so')",
  "SUM(load_extension('evil.so'))",
  'SUM("load_extension"(\'evil.so\'))',
  "SUM([load_extension]('evil.so'))",
  "readfile('/etc/passwd')",
  "writefile('x', 'y')",
  "fts3_tokenizer('simple')",
  "SUM(sqlite_log(1, 'x'))",
  'random()',
  'SUM(random())',
  'SUM(abs(random()) % 2)',
  'SUM(length(randomblob(8)))',
  'SUM(prompt_tokens) + changes()',
  'last_insert_rowid() + SUM(1)',
  'total_changes() + SUM(1)',
  'SUM(length(sqlite_version()))',
  "SUM(start_ms / 1000 > strftime('%s', 'now'))",
  "SUM(start_ms > unixepoch(' NOW '))",
  'SUM(start_ms > unixepoch())',
  "SUM(strftime('%s') > 1)",
  'MAX(julianday())',
  'SUM(CURRENT_TIMESTAMP > 1)',
  'SUM(length(current_date))',
  'SUM(prompt_tokens) OVER ()',
  'row_number() OVER (ORDER BY start_ms)',
  'SUM(?)',
  'SUM(:from)',
  'SUM(@source = source)',
  'SUM($x)',
  'length(group_concat(model))',
  "length(string_agg(model, ','))",
  'SUM(length(zeroblob(1000000000)))',
  "SUM(length(printf('%1000000000d', 1)))",
  "SUM(length(format('%.*c', 1000000000, 'x')))",
  "RAISE(ABORT, 'x')",
  'SUM(1) LIMIT 1',
  'SUM(1) GROUP BY model',
  'facts.no_such',
  'SUM(1)\u0000',
  'SUM(1) ‐ 1',
  `SUM(${'1+'.repeat(3000)}1)`,
  `SUM(${'abs('.repeat(780)}1${')'.repeat(780)})`,
] as const;

describe.each(['metric', 'dimension', 'filter'] as const)('as a %s', (kind) => {
  test.each(hostile)('%s is refused', (sql) => {
    expect(check(kind, sql)).not.toBeNull();
  });
});

describe('a filter or a dimension', () => {
  test.each([
    "environment IS NOT 'smoke'",
    "NOT (user_id LIKE 'test-%' OR key_alias = 'ci')",
    "json_extract(metadata, '$.team') = 'a'",
    "strftime('%w', start_ms / 1000, 'unixepoch')",
    "prompt_name || ' v' || prompt_version",
    "source IN ('a', 'b')",
    '1',
  ])('%s', (sql) => {
    expect(check('filter', sql)).toBeNull();
    expect(check('dimension', sql)).toBeNull();
  });

  test('an aggregate is refused', () => {
    expect(check('filter', 'SUM(cost_usd) > 1')).toMatch(/misuse of aggregate/);
    expect(check('dimension', 'MAX(model)')).toMatch(/aggregate/);
  });

  test('nothing that was tried is left behind', () => {
    expect(check('dimension', 'model')).toBeNull();
    expect(check('dimension', 'model')).toBeNull();
    expect(check('metric', 'COUNT(*)')).toBeNull();
  });
});
