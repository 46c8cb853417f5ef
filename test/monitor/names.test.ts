/** Rules, dashboard and page speak of metrics that exist, and of all of them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { exportedMetrics, metricPrefix } from '../../src/monitor/metric-catalogue.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const names = new Set(exportedMetrics.map(({ name }) => `${metricPrefix}${name}`));

test.each([
  'deploy/monitoring/alerts.yml',
  'deploy/monitoring/alerts.test.yml',
  'deploy/monitoring/dashboard.json',
])('every metric in %s is one that the worker exports', (path) => {
  const used = new Set(read(path).match(/\blangfuse_mlflow_[a-z_]+/g));
  expect(used.size).toBeGreaterThan(5);
  expect([...used].filter((name) => !names.has(name))).toEqual([]);
});

test('every metric and every alert has its place in docs/monitoring.md', () => {
  const page = read('docs/monitoring.md');
  const unnamed = exportedMetrics.filter(({ name }) => !page.includes(`\`${name}`));
  expect(unnamed.map(({ name }) => name)).toEqual([]);
  const rules = parse(read('deploy/monitoring/alerts.yml')) as {
    groups: { rules: { alert: string; annotations: { runbook: string } }[] }[];
  };
  for (const { alert, annotations } of rules.groups.flatMap((group) => group.rules)) {
    expect(page).toContain(`### ${alert}\n`);
    expect(annotations.runbook).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
  }
});

test('names carry their unit, and only counters end in _total', () => {
  for (const { name, type } of exportedMetrics) {
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_ms$|_millis/);
  }
});
