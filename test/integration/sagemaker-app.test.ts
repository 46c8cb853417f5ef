/** A whole sync to an MLflow App, known by its ARN alone: what lies there is what lies in any other MLflow. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { checkArtifacts } from '../support/check-artifacts.ts';
import { checkRuns, checkTrends, expectRuns } from '../support/check-runs.ts';
import { hashComparableArtifacts } from '../support/comparable-artifacts.ts';
import { readGolden, renderGolden } from '../support/golden-runs.ts';
import {
  createMlflowApi,
  type ApiPoint,
  type ApiRun,
  type MlflowApi,
} from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import {
  appArn,
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { openManagedBench } from '../support/sagemaker-double/open-managed-bench.ts';
import { readingS3 } from '../support/sagemaker-double/reading-s3.ts';
import { useKeys } from '../support/sagemaker-double/use-keys.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import {
  createSmallTraffic,
  createTinyTraffic,
  nightAfter,
  tinyNightMs,
} from '../support/small-traffic.ts';
import type { SyncBench } from '../support/sync-bench.ts';

describeWithManagedMlflow('a sync to an MLflow App', () => {
  let managed: ManagedMlflow;
  let api: MlflowApi;
  let plain: MlflowServer;

  beforeAll(async () => {
    managed = await startManagedMlflow(appArn);
    api = readingS3(createMlflowApi(managed.mlflow.url), managed);
    plain = await startMlflowServer({ version: 'newest' });
  }, 120_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await plain?.stop();
    await managed?.[Symbol.asyncDispose]();
  });

  beforeEach(() => useKeys(managed.s3.keys));

  const openBench = (
    traffic: ReturnType<typeof createTinyTraffic>,
    nowMs: number,
    experimentName: string,
  ): Promise<SyncBench> => openManagedBench(managed, { traffic, nowMs, experimentName });

  it('has the runs of the checked-in list', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'golden');
    expect((await bench.sync()).failed).toEqual([]);
    const runs = await runsOf(api, 'golden');
    expect(await renderGolden(runs, (run) => pointsOf(api, run))).toBe(readGolden());
  });

  it('has over four nights what a plain MLflow has, file by file, and writes nothing the fifth time', async () => {
    await using bench = await openBench(createSmallTraffic(), nightAfter(0), 'nights');
    const toPlain = {
      MLFLOW_TRACKING_URI: plain.url,
      SYNC_STATE_FILE: join(bench.folder, 'plain.db'),
    };
    for (const night of [0, 1, 2, 3]) {
      bench.setNow(nightAfter(night));
      expect((await bench.sync()).failed).toEqual([]);
      expect((await bench.sync({ env: toPlain })).failed).toEqual([]);
    }
    const expected = await expectRuns(bench);
    const runs = await runsOf(api, 'nights');
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);
    expect(await checkArtifacts(api, runs, expected)).toEqual([]);
    expect(runs.every((run) => run.artifactUri.startsWith(`${managed.artifactRoot}/`))).toBe(true);
    expect(await toContent(api, 'nights')).toEqual(
      await toContent(createMlflowApi(plain.url), 'nights'),
    );
    const wrong = managed.rest.seen.filter(({ status }) => status >= 400 && status !== 404);
    expect(wrong).toEqual([]);
    expect((await bench.sync()).mlflow.writes).toBe(0);
    expect((await bench.verify()).isClean).toBe(true);
  });
});

const runsOf = async (api: MlflowApi, experiment: string): Promise<ApiRun[]> =>
  api.searchRuns(await api.findExperimentId(experiment));

async function pointsOf(api: MlflowApi, run: ApiRun): Promise<Record<string, ApiPoint[]>> {
  const points: Record<string, ApiPoint[]> = {};
  for (const name of Object.keys(run.metrics).toSorted())
    points[name] = await api.getHistory(run.runId, name);
  return points;
}

/**
 * Runs and the hashes of their files, without what names the place: reports link to the pages of a plain MLflow, and
 * of SageMaker's none has an address that stays; a manifest holds their checksums.
 */
async function toContent(api: MlflowApi, experiment: string): Promise<unknown[]> {
  const runs = await runsOf(api, experiment);
  const files = new Map<string, unknown>();
  for (const run of runs) {
    const key = run.tags['langfuse_mlflow.key'] ?? '';
    const {
      'report.html': _,
      'manifest.json': __,
      ...same
    } = await hashComparableArtifacts(api, run.runId);
    files.set(key, same);
  }
  return toComparableRuns(runs, { isSameServer: true }).map(({ tags, ...run }) => ({
    ...run,
    // The hash is also over links into the experiment.
    tags: Object.entries(tags).filter(([name]) => name !== 'langfuse_mlflow.hash'),
    files: files.get(run.key),
  }));
}
