/** What is in MLflow after a nightly sync, read back through MLflow's own API, against an independent count. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkArtifacts } from '../support/check-artifacts.ts';
import {
  checkRuns,
  checkTrends,
  expectRuns,
  toLabel,
  type Expectation,
} from '../support/check-runs.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import type { MlflowVersion } from '../support/mlflow-install.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { createSmallTraffic, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const experiment = 'litellm-monitoring';

const subjects = [
  { version: 'newest', mode: 'dual', api: 'v2' },
  { version: 'old', mode: 'v3-legacy', api: 'v1' },
] as const satisfies readonly { version: MlflowVersion; mode: string; api: 'v1' | 'v2' }[];

for (const { version, mode, api } of subjects) {
  describeWithMlflow(`a sync of Langfuse (${mode}) to MLflow (${version})`, [version], () => {
    let bench: SyncBench;
    let mlflow: MlflowServer;
    let mlflowApi: MlflowApi;
    let expected: Expectation;
    let runs: ApiRun[];

    async function syncEachNight(nights: readonly number[]): Promise<void> {
      for (const night of nights) {
        bench.setNow(nightAfter(night));
        const summary = await bench.sync();
        expect(summary.failed).toEqual([]);
      }
      expected = await expectRuns(bench, { api });
      runs = await mlflowApi.searchRuns(await mlflowApi.findExperimentId(experiment));
    }

    beforeAll(async () => {
      mlflow = await startMlflowServer({ version });
      mlflowApi = createMlflowApi(mlflow.url);
      bench = await openSyncBench({
        traffic: createSmallTraffic(),
        nowMs: nightAfter(0),
        trackingUri: mlflow.url,
        server: { mode, duplicateShare: api === 'v2' ? 0.05 : 0 },
      });
      await syncEachNight([0, 1, 2, 3]);
    });

    afterAll(async () => {
      await bench?.[Symbol.asyncDispose]();
      await mlflow?.stop();
    });

    describe.each(['after four nights', 'after two quiet days, with what came late'])(
      '%s',
      (when) => {
        beforeAll(async () => {
          if (when !== 'after four nights') await syncEachNight([5]);
        });

        it('has one run for each window, model, session and trend, with every number right', () => {
          expect(expected.attempts.length).toBeGreaterThan(480);
          expect(checkRuns(runs, expected)).toEqual([]);
        });

        it('is told by the check when one number is off by one', () => {
          const [first, ...others] = runs.filter(
            (run) => run.tags['langfuse_mlflow.grain'] === 'model',
          );
          const attempts = Number(first?.metrics['attempts']);
          const off = {
            ...first,
            metrics: { ...first?.metrics, attempts: attempts + 1 },
          } as ApiRun;
          expect(checkRuns([off, ...others], expected)).toContain(
            `${toLabel(off)}: attempts is ${attempts + 1}, should be ${attempts}`,
          );
        });

        it('has a trend point for each model and day', async () => {
          expect(await checkTrends(mlflowApi, runs, expected)).toEqual([]);
        });

        it('has the tables, transcripts and manifests that the numbers are made of', async () => {
          expect(await checkArtifacts(mlflowApi, runs, expected)).toEqual([]);
        });
      },
    );
  });
}
