/** The settings file: what it may hold, and where each problem of it is. */
import { describe, expect, test } from 'vitest';
import { noMeasures } from '../../src/shared/measures.ts';
import { parse, problemsOf, keys } from './settings-input.ts';

const path = 'custom.yaml';
const env = { ...keys, SYNC_SETTINGS_FILE: path };

const read = (text: string, more: Record<string, string> = {}) =>
  parse({ env: { ...env, ...more }, files: { [path]: text } }).settings;
const problems = (text: string, more: Record<string, string> = {}): string[] =>
  problemsOf({ env: { ...env, ...more }, files: { [path]: text } });

describe('a settings file', () => {
  test('with everything', () => {
    const settings = read(`
metrics:
  - name: your_metric
    sql: AVG(json_extract(metadata, '$.your_metric'))
    unit: ratio
    grains: [model, window]
  - name: slow/share
    sql: SUM(latency_ms > 10000) * 1.0 / COUNT(*)
dimensions:
  - team
  - { name: tag, top: 5 }
  - { name: feature, metadata: feature }
  - { name: deep, metadata: $.a.b }
  - name: weekday
    sql: strftime('%w', start_ms / 1000, 'unixepoch')
filters:
  - name: no_smoke
    sql: environment IS NOT 'smoke'
models:
  - name: our-coder
    aliases: [hosted_vllm/qwen, qwen3]
    price_per_million_tokens: { input: 0.2, output: 1, cache_read: 0 }
`);
    expect(settings.measures).toEqual({
      metrics: [
        {
          name: 'slow/share',
          sql: 'SUM(latency_ms > 10000) * 1.0 / COUNT(*)',
          unit: 'count',
          grains: ['window', 'model', 'session', 'trend', 'dimension'],
        },
        {
          name: 'your_metric',
          sql: "AVG(json_extract(metadata, '$.your_metric'))",
          unit: 'ratio',
          grains: ['window', 'model'],
        },
      ],
      dimensions: [
        { name: 'deep', sql: "json_extract(metadata, '$.a.b')", isTags: false, top: 20 },
        { name: 'feature', sql: 'json_extract(metadata, \'$."feature"\')', isTags: false, top: 20 },
        { name: 'tag', sql: 'tags', isTags: true, top: 5 },
        { name: 'team', sql: 'COALESCE(team_alias, team_id)', isTags: false, top: 20 },
        {
          name: 'weekday',
          sql: "strftime('%w', start_ms / 1000, 'unixepoch')",
          isTags: false,
          top: 20,
        },
      ],
      filters: [{ name: 'no_smoke', sql: "environment IS NOT 'smoke'" }],
      prices: [
        {
          model: 'our-coder',
          inputUsd: 0.2,
          outputUsd: 1,
          cacheReadUsd: 0,
          cacheWriteUsd: null,
        },
      ],
    });
    expect(settings.understanding.modelAliases).toEqual({
      'hosted_vllm/qwen': 'our-coder',
      qwen3: 'our-coder',
    });
  });

  test('joins its aliases with those of the environment', () => {
    const text = 'models:\n  - { name: b, aliases: [a] }\n';
    const settings = read(text, { SYNC_MODEL_ALIASES: 'c=d,a=b' });
    expect(settings.understanding.modelAliases).toEqual({ a: 'b', c: 'd' });
    expect(problems(text, { SYNC_MODEL_ALIASES: 'a=x' })).toEqual([
      'custom.yaml: counts a under b, and SYNC_MODEL_ALIASES under x; keep one.',
    ]);
  });

  test.each(['', '# nothing yet\n', 'metrics:\n', 'metrics: []\nfilters: null\n'])(
    'that is empty changes nothing: %j',
    (text) => {
      expect(read(text).measures).toEqual(noMeasures);
    },
  );

  test('every known dimension can be computed', () => {
    const names = [
      'user',
      'team',
      'key_alias',
      'tag',
      'environment',
      'prompt',
      'prompt_version',
      'provider',
      'client_tool',
      'release',
    ];
    const { dimensions } = read(`dimensions: [${names.join(', ')}]`).measures;
    expect(dimensions.map(({ name }) => name)).toEqual(names.toSorted());
  });

  test('the order of entries means nothing', () => {
    const a = '  - { name: a, sql: COUNT(*) }\n';
    const b = '  - { name: b, sql: SUM(1) }\n';
    expect(read(`metrics:\n${a}${b}`).measures).toEqual(read(`metrics:\n${b}${a}`).measures);
  });
});

describe('problems', () => {
  test('all at once, each at its line and column, beside those of other settings', () => {
    const text = [
      'metrics:',
      '  - name: Bad Name',
      '    sql: SUM(cost_usd)',
      '  - name: broken',
      '    sql: SUM(no_such_column)',
      '    grains: [model, day]',
      '  - name: cost_usd',
      '    sql: SUM(cost_usd)',
      '  - sql: COUNT(*)',
      '  - name: peek',
      '    sql: >-',
      '      (SELECT holder FROM lease)',
      'dimensions:',
      '  - teem',
      '  - { name: x, top: 0 }',
      '  - { name: session, sql: session_id }',
      'filters:',
      '  - { name: f, sql: SUM(cost_usd) > 1 }',
      'models:',
      '  - { name: m, price_per_million_tokens: { input: 1 } }',
      '  - { name: n, price_per_million_tokens: { input: -1, output: 1 } }',
      'metric: []',
    ].join('\n');
    expect(problems(text, { SYNC_WINDOW: '5h' })).toEqual([
      expect.stringContaining('SYNC_WINDOW'),
      'custom.yaml:22:1: the settings file has no field "metric". Did you mean metrics?',
      'custom.yaml:20:42: the price of m needs input and output (USD per million tokens).',
      'custom.yaml:21:51: input must be a number from 0 to 1000000.',
      expect.stringMatching(/^custom\.yaml:2:11: the name "Bad Name" must be /),
      'custom.yaml:6:21: grains may be window, model, session, trend, dimension.',
      'custom.yaml:5:10: the SQL of metric broken SQLite refuses: no such column: no_such_column.',
      'custom.yaml:7:11: cost_usd is a metric of this worker already; take another name.',
      'custom.yaml:9:5: a metric needs name.',
      'custom.yaml:11:10: the SQL of metric peek has SELECT: only expressions over the columns of a fact are allowed.',
      expect.stringMatching(
        /^custom\.yaml:14:5: there is no dimension "teem"\. Known are user, team/,
      ),
      'custom.yaml:15:21: top must be a whole number from 1 to 500.',
      expect.stringMatching(/^custom\.yaml:16:27: dimension session has about as many values/),
      'custom.yaml:18:21: the SQL of filter f SQLite refuses: misuse of aggregate function SUM().',
    ]);
  });

  test.each([
    ['metrics:\n\t- x', /^custom\.yaml:2:1: .*[Tt]ab/],
    ['metrics: [', /^custom\.yaml:1:\d+: /],
    ['metrics:\n  - { name: a, name: b, sql: COUNT(*) }', /^custom\.yaml:2:\d+: .*unique/],
    ['- metrics', /^custom\.yaml:1:1: the settings file must have fields/],
    ['metrics: yes', /^custom\.yaml:1:10: metrics must be a list/],
    ['metrics:\n  - COUNT(*)', /^custom\.yaml:2:5: a metric must have fields/],
    ['metrics:\n  - { name: a, sql: 7 }', /^custom\.yaml:2:21: sql must be a text/],
    [
      'filters:\n  - { name: a, sql: "1" }\n  - { name: a, sql: "0" }',
      /^custom\.yaml:3:5: filters has a twice/,
    ],
    ['dimensions: [team, team]', /^custom\.yaml:1:20: dimensions has team twice/],
    [
      'models:\n  - { name: a, aliases: [x] }\n  - { name: b, aliases: [x] }',
      /^custom\.yaml:3:26: x is an alias of a already/,
    ],
    ['metrics:\n  - { name: score/x, sql: COUNT(*) }', /score\/x/],
    ['metrics:\n  - { name: latency_ms/p95, sql: COUNT(*) }', /is a metric of this worker already/],
    ['dimensions:\n  - { name: a, sql: model, metadata: x }', /either sql or metadata/],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual([expect.stringMatching(expected)]);
  });

  test('a file that is not there', () => {
    expect(problemsOf({ env })).toEqual([
      expect.stringMatching(/SYNC_SETTINGS_FILE.*custom\.yaml/),
    ]);
  });
});
