/** MLflow on PostgreSQL, which refuses and keeps other things than SQLite does: the port's contract, and a sync. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openTarget } from '../../src/mlflow/open-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Target } from '../../src/sync/ports.ts';
import { checkArtifacts } from '../support/check-artifacts.ts';
import { checkRuns, checkTrends, expectRuns } from '../support/check-runs.ts';
import { createMlflowApi, type MlflowApi } from '../support/mlflow-api.ts';
import { declareRunContract } from '../support/mlflow-contract-runs.ts';
import { declareSearchContract } from '../support/mlflow-contract-search.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { requireMlflow } from '../support/mlflow-suite.ts';
import {
  createPostgresDatabase,
  findPostgresProblem,
  type PostgresDatabase,
} from '../support/postgres.ts';
import { createSmallTraffic, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench } from '../support/sync-bench.ts';

// A machine need not have one, CI's neither: it is used where it is at hand.
const problem = await findPostgresProblem(inject('mlflow').newest);

describe.skipIf(problem !== null)(
  `MLflow on PostgreSQL${problem === null ? '' : ` [skipped: ${problem}]`}`,
  () => {
    let database: PostgresDatabase;
    let mlflow: MlflowServer;
    let api: MlflowApi;
    let target: Target;

    beforeAll(async () => {
      database = await createPostgresDatabase(requireMlflow('newest'));
      mlflow = await startMlflowServer({
        version: 'newest',
        extraArgs: ['--backend-store-uri', database.url],
      });
      api = createMlflowApi(mlflow.url);
      target = await openTarget({
        trackingUri: mlflow.url,
        timeoutMs: 30_000,
        maxRetries: 2,
        clock: systemClock,
      });
    });

    afterAll(async () => {
      await target?.[Symbol.asyncDispose]();
      await mlflow?.stop();
      await database?.[Symbol.asyncDispose]();
    });

    const subject = {
      target: () => target,
      countPoints: async (runId: string, metric: string) =>
        (await api.getHistory(runId, metric)).length,
      readArtifact: ({ runId }: { readonly runId: string }, path: string) =>
        api.downloadArtifact(runId, path),
    };
    declareRunContract(subject);
    declareSearchContract(subject);

    it('holds what four nights make, every number right, and a fifth writes nothing', async () => {
      await using bench = await openSyncBench({
        traffic: createSmallTraffic(),
        nowMs: nightAfter(0),
        trackingUri: mlflow.url,
        server: { mode: 'dual', duplicateShare: 0.05 },
      });
      for (const night of [0, 1, 2, 3]) {
        bench.setNow(nightAfter(night));
        expect((await bench.sync()).failed).toEqual([]);
      }
      const expected = await expectRuns(bench, { api: 'v2' });
      const runs = await api.searchRuns(await api.findExperimentId('litellm-monitoring'));
      expect(expected.attempts.length).toBeGreaterThan(480);
      expect(checkRuns(runs, expected)).toEqual([]);
      expect(await checkTrends(api, runs, expected)).toEqual([]);
      expect(await checkArtifacts(api, runs, expected)).toEqual([]);

      const again = await bench.sync();
      expect(again.failed).toEqual([]);
      expect(again.mlflow.writes).toBe(0);
    });
  },
);
