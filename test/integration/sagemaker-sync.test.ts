/** A sync to SageMaker's managed MLflow: every request signed and checked, artifacts straight to S3. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { checkArtifacts } from '../support/check-artifacts.ts';
import { checkRuns, checkTrends, expectRuns } from '../support/check-runs.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import {
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { openManagedBench } from '../support/sagemaker-double/open-managed-bench.ts';
import { readingS3 } from '../support/sagemaker-double/reading-s3.ts';
import { useKeys } from '../support/sagemaker-double/use-keys.ts';
import {
  createSmallTraffic,
  createTinyTraffic,
  nightAfter,
  tinyNightMs,
} from '../support/small-traffic.ts';
import type { SyncBench } from '../support/sync-bench.ts';

describeWithManagedMlflow('a sync to SageMaker MLflow', () => {
  let managed: ManagedMlflow;
  let api: MlflowApi;

  beforeAll(async () => {
    managed = await startManagedMlflow();
    api = readingS3(createMlflowApi(managed.mlflow.url), managed);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await managed?.[Symbol.asyncDispose]();
  });

  beforeEach(() => {
    useKeys(managed.s3.keys);
    managed.rest.setDenied(null);
  });

  const openBench = (
    traffic: ReturnType<typeof createTinyTraffic>,
    nowMs: number,
    experimentName: string,
  ): Promise<SyncBench> => openManagedBench(managed, { traffic, nowMs, experimentName });

  const runsOf = async (experiment: string): Promise<ApiRun[]> =>
    api.searchRuns(await api.findExperimentId(experiment));

  async function differencesOf(bench: SyncBench, experiment: string): Promise<string[]> {
    const expected = await expectRuns(bench);
    const runs = await runsOf(experiment);
    return [
      ...checkRuns(runs, expected),
      ...(await checkTrends(api, runs, expected)),
      ...(await checkArtifacts(api, runs, expected)),
    ];
  }

  it('has the runs, numbers and files of any other MLflow, and writes nothing the second time', async () => {
    await using bench = await openBench(createSmallTraffic(), nightAfter(0), 'managed');
    for (const night of [0, 1, 2, 3]) {
      bench.setNow(nightAfter(night));
      expect((await bench.sync()).failed).toEqual([]);
    }
    expect(await differencesOf(bench, 'managed')).toEqual([]);
    expect(managed.rest.seen.filter(({ status }) => status >= 400 && status !== 404)).toEqual([]);
    expect((await bench.sync()).mlflow.writes).toBe(0);
    expect((await bench.verify()).isClean).toBe(true);
  });

  it('signs with the new key after the old one was taken away in the middle', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'rotated');
    const { accessKeyId, secretAccessKey } = managed.s3.keys;
    const next = { accessKeyId: 'AKIANEXT', secretAccessKey: 'the-next-secret' };
    managed.rest.keys.set(next.accessKeyId, { secretAccessKey: next.secretAccessKey });
    let seen = 0;
    managed.rest.setClock(() => {
      seen += 1;
      if (seen === 40) {
        managed.rest.keys.delete(accessKeyId);
        // S3 knows the first key alone, so only what is left of it may fail.
        useKeys(next);
      }
      return bench.nowMs();
    });
    await bench.sync().catch(() => null);
    expect(managed.rest.seen.some((request) => request.accessKeyId === next.accessKeyId)).toBe(
      true,
    );

    managed.rest.keys.set(accessKeyId, { secretAccessKey });
    useKeys(managed.s3.keys);
    expect((await bench.sync()).failed).toEqual([]);
    expect(await differencesOf(bench, 'rotated')).toEqual([]);
  });

  it('names the identity, the action and the server when IAM refuses, and loses nothing', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'denied');
    managed.rest.setDenied(/runs\/log-batch/);
    const summary = await bench.sync();
    expect(summary.failed[0]?.error).toMatchObject({
      code: 'MLFLOW_AUTH',
      message: expect.stringMatching(
        /the access key …RKER, which needs sagemaker-mlflow:LogBatch on arn:aws:sagemaker/,
      ) as string,
    });
    managed.rest.setDenied(null);
    expect((await bench.sync()).failed).toEqual([]);
    expect(await differencesOf(bench, 'denied')).toEqual([]);
  });

  it('names the object when S3 refuses', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'no-s3');
    const readOnly = managed.s3.readOnlyKeys;
    managed.rest.keys.set(readOnly.accessKeyId, { secretAccessKey: readOnly.secretAccessKey });
    useKeys(readOnly);
    const summary = await bench.sync();
    expect(summary.failed[0]?.error).toMatchObject({
      code: 'MLFLOW_ARTIFACTS_DENIED',
      message: expect.stringMatching(/s3:PutObject on s3:\/\/mlflow-artifacts\/team\//) as string,
    });
  });

  it('says that there are no credentials before anything is written', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'no-keys');
    useKeys(null);
    const before = managed.rest.seen.length;
    await expect(bench.sync()).rejects.toMatchObject({ code: 'AWS_CREDENTIALS' });
    expect(managed.rest.seen.length).toBe(before);
  });

  it('puts artifacts to S3 for a plain server too, which does not hand them on', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'plain');
    const summary = await bench.sync({ env: { MLFLOW_TRACKING_URI: managed.mlflow.url } });
    expect(summary.failed).toEqual([]);
    expect(await differencesOf(bench, 'plain')).toEqual([]);
  });

  it('sends a large artifact in parts, and reads it back whole', async () => {
    const { keys, url, client } = managed.s3;
    const writer = createS3ArtifactWriter({
      region: () => Promise.resolve('us-east-1'),
      endpoint: url,
      credentials: () => Promise.resolve(keys),
      identityText: () => 'the test',
      kmsKeyId: null,
      expectedOwner: null,
      timeoutMs: 60_000,
    });
    const run = { runId: 'large', artifactUri: `${managed.artifactRoot}/0/large/artifacts` };
    const body = Buffer.alloc(40 * 1024 * 1024 + 7, 'a line of text\n');
    await writer.put({ run, path: 'tables/large.json', body, contentType: 'application/json' });
    const head = await client.send(
      new HeadObjectCommand({
        Bucket: managed.bucket,
        Key: 'team/0/large/artifacts/tables/large.json',
      }),
    );
    expect([head.ContentLength, head.ContentType]).toEqual([body.length, 'application/json']);
    // S3 marks an object of three parts so.
    expect(head.ETag).toMatch(/-3"$/);
    const back = await writer.get?.({ run, path: 'tables/large.json' });
    expect(Buffer.compare(Buffer.from(back ?? []), body)).toBe(0);
    expect(await writer.get?.({ run, path: 'tables/other.json' })).toBeNull();
  });

  it('rides over throttling, and over an answer that was lost after the work was done', async () => {
    await using bench = await openBench(createTinyTraffic(), tinyNightMs, 'throttled');
    managed.rest.failNext({ status: 429, times: 3, retryAfter: 1 });
    expect((await bench.sync()).failed).toEqual([]);
    expect(await differencesOf(bench, 'throttled')).toEqual([]);

    await using other = await openBench(createTinyTraffic(), tinyNightMs, 'lost');
    managed.rest.failNext({ status: 504, times: 1, afterHandling: true, request: /runs\/create/ });
    await other.sync().catch(() => null);
    expect((await other.sync()).failed).toEqual([]);
    expect(await differencesOf(other, 'lost')).toEqual([]);
  });
});
