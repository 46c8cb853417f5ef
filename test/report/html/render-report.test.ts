import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../src/report/html/render-report.ts';
import { aGroup, aReport } from './a-report.ts';
import { readHtml, type PageElement } from './read-html.ts';

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style></title><svg onload=alert(1)>',
  ']]><!-- --> &lt;b&gt; &quot;',
  'javascript:alert(1)',
  'turned \u202e round \u0000\u001b[31mred',
];

const withUnclean = (text: string): Parameters<typeof aReport>[0] => ({
  subject: text,
  project: text,
  models: [aGroup(text, { requests: 1, cost_usd: 1, total_tokens: 5, uncached_prompt_tokens: 5 })],
  timeline: {
    fromMs: 0,
    bucketMs: 3_600_000,
    buckets: 24,
    cells: [{ bucket: 1, model: text, requests: 1, costUsd: 1 }],
  },
  latency: [{ model: text, attempts: [1, 0, 2] }],
  failures: [
    {
      errorClass: text,
      httpStatus: 500,
      model: text,
      attempts: 1,
      errors: 1,
      firstMs: 0,
      lastMs: 1,
    },
  ],
  rankings: [{ of: 'user', groups: [aGroup(text, { cost_usd: 1, requests: 1 })], unnamed: null }],
  windows: [aGroup(text, { requests: 1 })],
});

const textOf = (elements: readonly PageElement[], name: string): string[] =>
  elements.filter((element) => element.name === name).map((element) => element.text.trim());

describe('what comes from outside is text and nothing else', () => {
  it.each(hostile)('%j', async (text) => {
    const clean = readHtml(await renderReport(aReport(withUnclean('a model'))));
    const elements = readHtml(await renderReport(aReport(withUnclean(text))));
    const shape = (all: readonly PageElement[]): string[] =>
      all.map(({ name, attributes }) => [name, ...Object.keys(attributes)].join(' '));
    expect(shape(elements)).toEqual(shape(clean));
    expect(shape(elements).join('\n')).not.toMatch(/^script|\bon\w+/m);
    const bare = text
      .replaceAll('\u202e', '[U+202E]')
      .replaceAll('\u0000', '')
      .replaceAll('\u001b[31m', '')
      .trim();
    expect(textOf(elements, 'h1')).toEqual([`LLM traffic of ${bare}`]);
    expect(
      elements.filter((element) => element.attributes['class'] === 'name').map((one) => one.text),
    ).toContain(bare);
    // The charts say it too, in their tooltips.
    expect(
      elements.some(({ name, text: said }) => name === 'title' && said.startsWith(`${bare}, `)),
    ).toBe(true);
  });
});

describe('numbers', () => {
  it('are readable, and exact beside it', async () => {
    const elements = readHtml(await renderReport(aReport()));
    const rows = elements.filter((element) => element.attributes['data-total'] !== undefined);
    const shown = Object.fromEntries(
      rows.map((row) => {
        const cell = row.children.find((child) => child.attributes['data-metric'] !== undefined);
        return [row.attributes['data-total'], [cell?.text.trim(), cell?.attributes['data-value']]];
      }),
    );
    expect(shown).toMatchObject({
      requests: ['12,345', '12345'],
      cost_usd: ['$3.42', '3.42'],
      total_tokens: ['12.3 M', '12300000'],
      'latency_ms/p50': ['840 ms', '840'],
      completion_tokens: ['unknown', undefined],
    });
  });

  it('that have no place in a table are in its last row', async () => {
    const groups = Array.from({ length: 22 }, (_none, index) =>
      aGroup(`user ${index}`, { cost_usd: 1 + index / 4, requests: 2 }),
    );
    const elements = readHtml(
      await renderReport(aReport({ rankings: [{ of: 'user', groups, unnamed: null }] })),
    );
    const rest = elements.find((element) => element.attributes['data-rest'] === 'user');
    expect(rest?.text.replaceAll(/\s+/g, ' ')).toMatch(/and 12 more users \$58\.50 24/);
    expect(elements.filter((element) => element.attributes['data-ranked'] === 'user')).toHaveLength(
      10,
    );
  });

  it('of a span that was not read are unknown, and so it says', async () => {
    const page = await renderReport(
      aReport({ comparisons: [{ label: 'the day before', metrics: null }] }),
    );
    const row = readHtml(page).find((element) => element.attributes['data-total'] === 'requests');
    expect(row?.text.replaceAll(/\s+/g, ' ')).toMatch(/Requests 12,345 unknown/);
    expect(page).toContain('The day before: unknown, since it was not read whole.');
  });
});

describe('the page', () => {
  it('is the same bytes for the same figures', async () => {
    expect(await renderReport(aReport())).toBe(await renderReport(aReport()));
  });

  it('loads nothing and runs nothing', async () => {
    const elements = readHtml(await renderReport(aReport()));
    expect(
      elements.filter(({ name }) => ['script', 'link', 'img', 'iframe'].includes(name)),
    ).toEqual([]);
    const policy = elements.find(({ attributes }) => attributes['http-equiv'] !== undefined);
    expect(policy?.attributes['content']).toMatch(/^default-src 'none'/);
  });

  it('tells each chart to those who do not see it', async () => {
    const charts = readHtml(await renderReport(aReport())).filter(({ name }) => name === 'svg');
    expect(charts.length).toBeGreaterThanOrEqual(3);
    for (const chart of charts) {
      expect(chart.attributes).toMatchObject({ role: 'img' });
      expect(chart.attributes['aria-label']).toMatch(/table below/);
    }
  });
});
