/** The report says what the run's metrics say, and both what a plain loop over the facts says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import { gatherRange } from '../../src/sync/range-report.ts';
import { readHtml, type PageElement } from '../report/html/read-html.ts';
import { readLocalRuns } from '../support/local-runs.ts';
import { createTinyTraffic, dayMs, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

interface FactRow {
  readonly is_final_attempt: number;
  readonly is_error: number;
  readonly cost_usd: number | null;
  readonly total_tokens: number | null;
  readonly user_id: string | null;
}

it('totals of report.html equal the metrics of its run and a count over the facts', async () => {
  await using bench = await openSyncBench({ traffic: createTinyTraffic(), nowMs: tinyNightMs });
  expect((await bench.sync()).failed).toEqual([]);
  const runs = readLocalRuns(bench.folder).filter(
    (run) => run.tags['langfuse_mlflow.grain'] === 'window',
  );
  expect(runs.length).toBeGreaterThan(1);
  for (const run of runs) {
    const elements = readHtml(readReport(bench.folder, run.runId));
    const totals = totalsOf(elements);
    for (const [name, value] of Object.entries(totals)) {
      expect([name, value ?? undefined]).toEqual([name, run.metrics[name]]);
    }
    const facts = factsOf(bench, Date.parse(run.params['window_from'] ?? ''));
    expect(totals).toMatchObject({
      requests: facts.filter((fact) => fact.is_final_attempt === 1).length,
      attempts: facts.length,
      errors: facts.filter((fact) => fact.is_final_attempt === 1 && fact.is_error === 1).length,
      total_tokens: facts.reduce((sum, fact) => sum + (fact.total_tokens ?? 0), 0),
    });
    expect(totals['cost_usd']).toBeCloseTo(
      facts.reduce((sum, fact) => sum + (fact.cost_usd ?? 0), 0),
      9,
    );
    // Bars, rows and the remainder of a table add up to the whole.
    for (const of of ['session', 'user', 'key', 'client tool'])
      expect([of, sumOfRequests(elements, of)]).toEqual([of, totals['requests']]);
  }
});

it('the report of a range is the sum of its windows, and names those that were not read', async () => {
  await using bench = await openSyncBench({ traffic: createTinyTraffic(), nowMs: tinyNightMs });
  expect((await bench.sync()).failed).toEqual([]);
  using state = openState(bench.stateFile);
  const [first] = bench.query<{ from_ms: number }>('SELECT MIN(from_ms) AS from_ms FROM windows');
  const fromMs = first?.from_ms ?? 0;
  const { figures, unread } = gatherRange(state, { fromMs, toMs: fromMs + 7 * dayMs });
  const counted = bench.query<FactRow>('SELECT * FROM facts WHERE not_counted IS NULL');
  expect(figures.totals.get('attempts')).toBe(counted.length);
  expect(figures.timeline).toMatchObject({ fromMs, bucketMs: dayMs, buckets: 7 });
  expect(figures.windows.length + unread.length).toBe(7);
  expect(figures.reading?.unread).toHaveLength(unread.length);
  expect(figures.comparisons).toEqual([{ label: 'the 7 days before', metrics: null }]);
  expect(() => gatherRange(state, { fromMs: fromMs + 1, toMs: fromMs + dayMs })).toThrow(
    /No window begins at/,
  );
});

function readReport(folder: string, runId: string): string {
  const run = readLocalRuns(folder).find((one) => one.runId === runId);
  return readFileSync(join(artifactFolder(folder, run?.artifactUri ?? ''), 'report.html'), 'utf8');
}

function artifactFolder(folder: string, uri: string): string {
  return uri.startsWith('file:') ? fileURLToPath(uri) : join(folder, uri);
}

function totalsOf(elements: readonly PageElement[]): Record<string, number | null> {
  return Object.fromEntries(
    elements.flatMap(({ attributes, children }) => {
      const name = attributes['data-total'];
      if (name === undefined) return [];
      const value = children.find((child) => child.attributes['data-metric'] === name)?.attributes[
        'data-value'
      ];
      return [[name, value === undefined ? null : Number(value)]];
    }),
  );
}

function factsOf(bench: SyncBench, fromMs: number): FactRow[] {
  return bench.query<FactRow>(
    `SELECT is_final_attempt, is_error, cost_usd, total_tokens, user_id FROM facts
     WHERE window_from_ms = ? AND not_counted IS NULL`,
    fromMs,
  );
}

/** Over the named rows, the row of what is left out, and that of what has no name. */
function sumOfRequests(elements: readonly PageElement[], of: string): number {
  const table = elements.find(
    ({ name, text }) => name === 'table' && text.trim().startsWith(`Costliest ${of}s`),
  );
  const rows = (table?.children ?? []).flatMap((part) => part.children);
  return rows
    .filter((row) => row.name === 'tr' && !/^All\b/.test(row.text.trim()))
    .flatMap((row) => row.children)
    .filter((cell) => cell.attributes['data-metric'] === 'requests')
    .reduce((sum, cell) => sum + Number(cell.attributes['data-value'] ?? 0), 0);
}
