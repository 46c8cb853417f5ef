/** Keys that end, change or are taken away in the middle of a sync to an MLflow App and its S3: nothing lost or doubled. */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { checkRuns, expectRuns } from '../support/check-runs.ts';
import { createMlflowApi } from '../support/mlflow-api.ts';
import { listen, toJsonAnswer, type LoopbackServer } from '../support/sagemaker-double/http.ts';
import {
  appArn,
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { startS3Door, type S3Door } from '../support/sagemaker-double/s3-door.ts';
import { startSts, type StsDouble } from '../support/sagemaker-double/sts.ts';
import { useKeys } from '../support/sagemaker-double/use-keys.ts';
import { createTinyTraffic, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const first = { accessKeyId: 'AKIAFIRST', secretAccessKey: 'the-first-secret' };
const second = { accessKeyId: 'AKIASECOND', secretAccessKey: 'the-second-secret' };

describeWithManagedMlflow('keys of a sync to an MLflow App', () => {
  let managed: ManagedMlflow;
  let door: S3Door;
  let sts: StsDouble;
  let nowMs: () => number = Date.now;

  beforeAll(async () => {
    managed = await startManagedMlflow(appArn);
    door = await startS3Door(managed.s3, { keys: managed.rest.keys, now: () => nowMs() });
    sts = await startSts({ keys: { [first.accessKeyId]: first } });
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    for (const part of [sts, door, managed]) await part?.[Symbol.asyncDispose]();
  });

  beforeEach(() => {
    vi.unstubAllEnvs();
    useKeys(first);
    door.keys.clear();
    door.keys.set(first.accessKeyId, first);
    door.onRequest = () => undefined;
  });

  async function openBench(experimentName: string): Promise<SyncBench> {
    const bench = await openSyncBench({
      traffic: createTinyTraffic(),
      nowMs: tinyNightMs,
      trackingUri: appArn,
      experimentName,
      env: {
        SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: managed.rest.url,
        MLFLOW_S3_ENDPOINT_URL: door.url,
        AWS_ENDPOINT_URL_STS: sts.url,
      },
    });
    nowMs = () => bench.nowMs();
    managed.rest.setClock(nowMs);
    return bench;
  }

  async function differencesOf(bench: SyncBench, experiment: string): Promise<string[]> {
    const api = createMlflowApi(managed.mlflow.url);
    const runs = await api.searchRuns(await api.findExperimentId(experiment));
    return checkRuns(runs, await expectRuns(bench));
  }

  const signers = (from: number): Set<string> =>
    new Set(door.seen.slice(from).map(({ accessKeyId }) => accessKeyId));

  it('go on with the next temporary ones when they end every moment', async () => {
    await using bench = await openBench('ending');
    await using container = await startContainer(() => nowMs(), door);
    useKeys(null);
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${container.url}/keys`);
    expect((await bench.sync()).failed).toEqual([]);
    expect(await differencesOf(bench, 'ending')).toEqual([]);
    const used = new Set(managed.rest.seen.map(({ accessKeyId }) => accessKeyId));
    expect([...used].filter((key) => key?.startsWith('ASIA')).length).toBeGreaterThan(1);
    expect((await bench.sync()).mlflow.writes).toBe(0);
  });

  it('are asked for anew, in both places, when they were rotated', async () => {
    await using bench = await openBench('rotated');
    const before = door.seen.length;
    let requests = 0;
    door.onRequest = () => {
      requests += 1;
      if (requests !== 3) return;
      door.keys.delete(first.accessKeyId);
      door.keys.set(second.accessKeyId, second);
      useKeys(second);
    };
    expect((await bench.sync()).failed).toEqual([]);
    expect(signers(before)).toEqual(new Set([first.accessKeyId, second.accessKeyId]));
    expect(await differencesOf(bench, 'rotated')).toEqual([]);
  });

  it('that are wrong from the middle on end the sync with the reason, and the next one finishes it', async () => {
    await using bench = await openBench('wrong');
    let requests = 0;
    door.onRequest = () => {
      requests += 1;
      if (requests === 3) door.keys.clear();
    };
    const said = await bench.sync().then(
      ({ failed }) => failed.map(({ error }) => error.message).join('\n'),
      (error: unknown) => String(error),
    );
    expect(said).toMatch(/AKIAFIRST|key …IRST|does not take this key|security token/);
    door.onRequest = () => undefined;
    door.keys.set(first.accessKeyId, first);
    expect((await bench.sync()).failed).toEqual([]);
    expect(await differencesOf(bench, 'wrong')).toEqual([]);
  });
});

/** Gives temporary keys as a container's agent does: each holds for 600 ms, and the next is given in its last half. */
function startContainer(now: () => number, door: S3Door): Promise<LoopbackServer> {
  let count = 0;
  let current = { accessKeyId: '', secretAccessKey: '', sessionToken: '', expiresAtMs: 0 };
  return listen(() => {
    if (current.expiresAtMs - now() < 300) {
      count += 1;
      current = {
        accessKeyId: `ASIATEMP${count}`,
        secretAccessKey: `secret-${count}`,
        sessionToken: `token-${count}`,
        expiresAtMs: now() + 600,
      };
      door.keys.set(current.accessKeyId, current);
    }
    return Promise.resolve(
      toJsonAnswer(
        200,
        {
          AccessKeyId: current.accessKeyId,
          SecretAccessKey: current.secretAccessKey,
          Token: current.sessionToken,
          Expiration: new Date(current.expiresAtMs).toISOString(),
        },
        'application/json',
      ),
    );
  });
}
