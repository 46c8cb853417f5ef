/** What a team lead opens in MLflow's own pages: report.html, its links clicked, and the files beside it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowserProblem, openBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { createMlflowApi, type ApiRun } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { createTinyTraffic, tinyNightMs } from '../support/small-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const browserProblem = findBrowserProblem();

describeWithMlflow('report.html in MLflow', ['newest'], () => {
  describe.skipIf(browserProblem !== null)('in a browser', () => {
    let mlflow: MlflowServer;
    let bench: SyncBench;
    let runs: readonly ApiRun[];
    let experimentId: string;
    let browser: Browser;
    let watched: WatchedPage;
    let window: ApiRun;

    beforeAll(async () => {
      mlflow = await startMlflowServer({ version: 'newest' });
      bench = await openSyncBench({
        traffic: createTinyTraffic(),
        nowMs: tinyNightMs,
        trackingUri: mlflow.url,
      });
      await bench.sync();
      const api = createMlflowApi(mlflow.url);
      experimentId = await api.findExperimentId('litellm-monitoring');
      runs = await api.searchRuns(experimentId);
      window = costliestOf('window');
      browser = await openBrowser();
    });

    afterAll(async () => {
      await browser?.close();
      await bench?.[Symbol.asyncDispose]();
      await mlflow?.stop();
    });

    function costliestOf(grain: string): ApiRun {
      const cost = (run: ApiRun): number => Number(run.metrics['cost_usd'] ?? 0);
      const [first] = runs
        .filter((run) => run.tags['langfuse_mlflow.grain'] === grain)
        .toSorted((a, b) => cost(b) - cost(a));
      if (first === undefined) throw new Error(`no ${grain} run`);
      return first;
    }

    /** The page inside of MLflow's preview. */
    async function openReport(run: ApiRun): Promise<FrameLocator> {
      watched = await openPage(browser);
      const page = `${mlflow.url}/#/experiments/${experimentId}/runs/${run.runId}`;
      await watched.open(`${page}/artifacts/report.html`, ['report.html']);
      const frame = watched.page.frameLocator('iframe');
      await frame.getByRole('heading', { level: 1 }).waitFor();
      return frame;
    }

    it.each(['window', 'model', 'session'])('the report of a %s is shown whole', async (grain) => {
      const run = costliestOf(grain);
      const frame = await openReport(run);
      const requests = frame.locator('tr[data-total="requests"] [data-value]').first();
      expect(await requests.getAttribute('data-value')).toBe(String(run.metrics['requests']));
      await watched.screenshot(`report-${grain}`);
      await watched.page.close();
    });

    it.each(['model', 'session'])(
      'a link to a %s in the downloaded page finds its run',
      async (grain) => {
        // MLflow shows the page in a frame that may open nothing (sandbox="allow-scripts"): links work once it is saved.
        const run = costliestOf(grain);
        const subject = run.params['model'] ?? run.params['session_id'] ?? '';
        const api = createMlflowApi(mlflow.url);
        using folder = openTempFolder();
        const file = join(folder.path, 'report.html');
        writeFileSync(file, await api.downloadArtifact(window.runId, 'report.html'));
        watched = await openPage(browser);
        await watched.page.goto(pathToFileURL(file).href);
        const row = watched.page.locator('tr', { hasText: subject }).filter({ hasText: 'MLflow' });
        const [opened] = await Promise.all([
          watched.page.waitForEvent('popup'),
          row.first().getByRole('link', { name: 'MLflow' }).click(),
        ]);
        expect(decodeURIComponent(opened.url())).toContain(run.tags['langfuse_mlflow.key']);
        // The run, and the day that it hangs below.
        await opened.getByText(/^2 matching runs/).waitFor();
        await watched.page.close();
        await opened.close();
      },
    );
  });
});
