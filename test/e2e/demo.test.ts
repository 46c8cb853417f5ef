/** What a newcomer sees: the demo in an empty folder, `mlflow ui` beside it, and a browser on that. */
import { readdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { findBrowserProblem, openBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { toTable } from '../support/check-artifacts.ts';
import {
  checkRuns,
  checkTrends,
  expectRuns,
  toLabel,
  type Expectation,
} from '../support/check-runs.ts';
import { expectMetrics } from '../support/expected-metrics.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { runCli } from '../support/run-cli.ts';
import { hourMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const browserProblem = findBrowserProblem();

interface DemoAnswer {
  readonly exit_code: number;
  readonly windows: { readonly planned: number; readonly failed: unknown[] };
  readonly runs: Readonly<Record<string, number>>;
  readonly totals: Readonly<Record<string, number>> & {
    readonly models: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  readonly mlflow: { readonly writes: number };
}

describeWithMlflow('the demo', ['newest'], () => {
  const folder = openTempFolder();
  let bench: SyncBench;
  let expected: Expectation;
  let first: DemoAnswer;
  let mlflow: MlflowServer | null = null;
  let api: MlflowApi;
  let runs: ApiRun[];

  async function runDemo(): Promise<DemoAnswer> {
    const { code, stdout, stderr } = await runCli(['demo', '--json'], { cwd: folder.path });
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as DemoAnswer;
  }

  beforeAll(async () => {
    first = await runDemo();
    // A second server over the same traffic at the same hour: what the demo read, for the independent count.
    const traffic = createSampleTraffic();
    bench = await openSyncBench({ traffic, nowMs: traffic.endMs + 2.5 * hourMs });
    // The demo's alias map joins the lines of the one deployment whose name says nothing.
    expected = await expectRuns(bench, { aliases: { 'azure/corp-reasoner-east': 'o4-mini' } });
    mlflow = await startMlflowServer({ version: 'newest', cwd: folder.path, command: 'ui' });
    api = createMlflowApi(mlflow.url);
    runs = await api.searchRuns(await api.findExperimentId('litellm-monitoring'));
  });

  afterAll(async () => {
    await mlflow?.stop();
    await bench?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('prints totals that are equal to an independent count of its traffic', () => {
    expect(first.windows).toMatchObject({ planned: 14, failed: [] });
    const { models, ...all } = first.totals;
    expect(differences(all, expectMetrics(expected.attempts, 'window'))).toEqual([]);
    const names = new Set(expected.attempts.map((one) => one.canonicalModel));
    expect(Object.keys(models).toSorted()).toEqual([...names].toSorted());
    for (const name of names) {
      const attempts = expected.attempts.filter((one) => one.canonicalModel === name);
      expect(differences(models[name] ?? {}, expectMetrics(attempts, 'model'))).toEqual([]);
    }
  });

  it('leaves a store in which MLflow finds every run of two weeks, every number right', async () => {
    expect(
      readdirSync(folder.path)
        .filter((name) => !name.includes('-'))
        .toSorted(),
    ).toEqual(['mlartifacts', 'mlflow.db']);
    expect(runs.length).toBeGreaterThan(350);
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);
  });

  it('writes nothing the second time', async () => {
    const second = await runDemo();
    expect(second.mlflow.writes).toBe(0);
    expect(second.runs).toEqual({
      created: 0,
      made_again: 0,
      updated: 0,
      unchanged: 0,
      deleted: 0,
    });
    expect(await api.searchRuns(await api.findExperimentId('litellm-monitoring'))).toEqual(runs);
  });

  describe.skipIf(browserProblem !== null)(
    `in a browser${browserProblem === null ? '' : ` [skipped: ${browserProblem}]`}`,
    () => {
      let browser: Browser;
      let watched: WatchedPage;
      let pages: string;

      beforeAll(async () => {
        browser = await openBrowser();
        watched = await openPage(browser);
        pages = `${mlflow?.url}/#/experiments/${await api.findExperimentId('litellm-monitoring')}`;
      });

      afterAll(async () => {
        await browser?.close();
      });

      /** No error box, no error of the page, no request that failed. */
      async function expectNoError(): Promise<void> {
        expect(watched.problems).toEqual([]);
        expect(await watched.text()).not.toMatch(
          /something went wrong|error occurred|failed to (load|fetch)|resource not found|page not found/i,
        );
      }

      it('the table of runs shows the windows, with what hangs below them', async () => {
        await watched.open(`${pages}/runs`, ['2026-11-15', '2026-11-12', 'Run Name', 'Duration']);
        await watched.screenshot('runs');
        await expectNoError();
        expect(await watched.text()).toMatch(/langfuse-mlflow/);
      });

      it('runs are found by the filter that the demo prints', async () => {
        const filter = encodeURIComponent("tags.`langfuse_mlflow.grain` = 'trend'");
        await watched.open(`${pages}/runs?searchFilter=${filter}`, [
          'trend claude-sonnet-4-5-20250929',
        ]);
        await watched.screenshot('trends');
        await expectNoError();
        const trends = runs.filter((run) => run.tags['langfuse_mlflow.grain'] === 'trend');
        expect(await watched.text()).toContain(`${trends.length} matching runs`);
      });

      it("a window's page shows its note, its numbers and its params", async () => {
        const run = find('window 2026-11-12');
        await watched.open(`${pages}/runs/${run.runId}`, [
          'Finished',
          'requests',
          'cost_usd',
          'latency_ms/p95',
          'window_from',
          '2026-11-12T00:00:00.000Z',
        ]);
        await watched.screenshot('window');
        await expectNoError();
        const text = await watched.text();
        expect(text).toContain(
          'All traffic of 2026-11-12 (UTC) in Langfuse project litellm-gateway.',
        );
        expect(text).toMatch(new RegExp(`requests\\s+${run.metrics['requests']}\\b`));
        expect(text).toMatch(new RegExp(`prompt_tokens\\s+${run.metrics['prompt_tokens']}\\b`));
      });

      it('requests.json is a table', async () => {
        const run = find('window 2026-11-12');
        const table = toTable(await api.downloadArtifact(run.runId, 'requests.json'));
        await watched.open(`${pages}/runs/${run.runId}/artifacts/requests.json`, [
          'View as table',
          'time',
          'model',
          'status',
          String(table.data[0]?.[table.columns.indexOf('time')]),
        ]);
        await watched.screenshot('requests');
        await expectNoError();
        expect(
          await watched.page.getByRole('checkbox', { name: 'View as table' }).isChecked(),
        ).toBe(true);
      });

      it('a transcript is rendered as Markdown', async () => {
        const run = runs.find(
          (one) =>
            toLabel(one).startsWith('session cline-') && Number(one.metrics['session_turns']) > 5,
        );
        const sessionId = run?.params['session_id'] ?? '';
        await watched.open(`${pages}/runs/${run?.runId}/artifacts/transcript.md`, [
          sessionId,
          'user',
        ]);
        await watched.screenshot('transcript');
        await expectNoError();
        const heading = watched.page.getByRole('heading', { name: `Session ${sessionId}` });
        expect(await heading.count()).toBeGreaterThan(0);
        expect(await watched.page.getByRole('heading', { name: /^Turn 2 / }).count()).toBe(1);
        // Rendered, not shown as text.
        expect(await watched.text()).not.toContain(`# Session`);
      });

      it("a trend's charts are drawn, a point a day", async () => {
        const run = find('trend claude-sonnet-4-5-20250929');
        await watched.open(`${pages}/runs/${run.runId}/model-metrics`, ['p95', 'Step']);
        const charts = watched.page.locator('.js-plotly-plot .scatterlayer path.js-line');
        await charts.first().waitFor();
        await watched.screenshot('trend');
        await expectNoError();
        expect(await watched.text()).toMatch(/latency_ms\s*\(4\)/);
        expect(await charts.count()).toBeGreaterThan(3);
        const points = await charts.first().getAttribute('d');
        expect(points?.split(/[ML]/).length).toBeGreaterThan(10);
      });
    },
  );

  function find(label: string): ApiRun {
    const run = runs.find((one) => toLabel(one) === label);
    if (run === undefined) throw new Error(`the demo has no run ${label}`);
    return run;
  }
});

function differences(
  is: Readonly<Record<string, number>>,
  should: Readonly<Record<string, number | null>>,
): string[] {
  return Object.entries(is).flatMap(([name, value]) => {
    const wanted = should[name];
    const isSame =
      wanted !== null &&
      wanted !== undefined &&
      Math.abs(value - wanted) <= 1e-9 * Math.max(Math.abs(value), Math.abs(wanted));
    return isSame ? [] : [`${name} is ${value}, should be ${wanted}`];
  });
}
