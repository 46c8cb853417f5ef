import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTarget, type TargetSettings } from '../../src/mlflow/open-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Target } from '../../src/sync/ports.ts';
import { createMlflowApi, type MlflowApi } from '../support/mlflow-api.ts';
import { aKey, anExperimentName, collect } from '../support/mlflow-contract-subject.ts';
import { mlflowVersions } from '../support/mlflow-install.ts';
import { startMlflowProxy, type MlflowProxy, type ProxyAction } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';

const settings = { timeoutMs: 30_000, maxRetries: 3, clock: systemClock, random: () => 0 };
const startMs = Date.UTC(2026, 10, 24);

for (const version of mlflowVersions) {
  describeWithMlflow(`a network that fails in front of MLflow ${version}`, [version], () => {
    let server: MlflowServer;
    let api: MlflowApi;
    let proxy: MlflowProxy;
    let target: Target;
    beforeAll(async () => {
      server = await startMlflowServer({ version });
      api = createMlflowApi(server.url);
    });
    afterAll(() => server?.stop());
    beforeEach(async () => {
      proxy = await startMlflowProxy(server.url);
      target = await openTarget({ ...settings, trackingUri: proxy.url });
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    });

    /** Does `action` to the first call of that path, and passes everything else on. */
    function failOnce(path: string, action: ProxyAction): void {
      let isDone = false;
      proxy.onRequest = (request) => {
        if (isDone || !request.path.includes(path)) return 'pass';
        isDone = true;
        return action;
      };
    }

    async function aRun(): Promise<{ experimentId: string; runId: string; artifactUri: string }> {
      const { experimentId } = await target.ensureExperiment(anExperimentName());
      const run = await target.createRun({
        experimentId,
        name: 'r',
        startMs,
        tags: { 'langfuse_mlflow.key': aKey('r') },
      });
      return { experimentId, ...run };
    }

    test('a lost answer to create leaves one run, which is found by its key', async () => {
      const { experimentId } = await target.ensureExperiment(anExperimentName());
      failOnce('runs/create', 'lose-answer');
      const run = {
        experimentId,
        name: 'r',
        startMs,
        tags: { 'langfuse_mlflow.key': aKey('lost') },
      };
      await expect(target.createRun(run)).rejects.toMatchObject({ code: 'MLFLOW_UNREACHABLE' });
      expect(await target.findRunsByKey(experimentId, [aKey('lost')])).toHaveLength(1);
      expect(await collect(target.listRuns(experimentId))).toHaveLength(1);
    });

    test('a create that never arrived leaves no run', async () => {
      const { experimentId } = await target.ensureExperiment(anExperimentName());
      failOnce('runs/create', 'reset');
      const run = {
        experimentId,
        name: 'r',
        startMs,
        tags: { 'langfuse_mlflow.key': aKey('never') },
      };
      await expect(target.createRun(run)).rejects.toMatchObject({ code: 'MLFLOW_UNREACHABLE' });
      expect(await target.findRunsByKey(experimentId, [aKey('never')])).toEqual([]);
    });

    test('a lost answer to an experiment is no second experiment', async () => {
      failOnce('experiments/create', 'lose-answer');
      const name = anExperimentName();
      const { experimentId } = await target.ensureExperiment(name);
      expect(experimentId).toBe(await api.findExperimentId(name));
    });

    test('a lost answer to many numbers, NaN among them, leaves each once', async () => {
      const { runId, experimentId } = await aRun();
      failOnce('runs/log-batch', 'lose-answer');
      await target.logBatch({
        runId,
        params: { model: 'm' },
        metrics: Array.from({ length: 250 }, (_, i) => ({
          key: `m${i}`,
          value: i % 50 === 3 ? Number.NaN : i / 3,
          step: 1,
          timestampMs: startMs,
        })),
        tags: { done: 'true' },
      });
      const [run] = await api.searchRuns(experimentId);
      expect(Object.keys(run?.metrics ?? {})).toHaveLength(250);
      expect(run).toMatchObject({
        params: { model: 'm' },
        tags: { done: 'true' },
        metrics: { m3: 'NaN', m4: 4 / 3 },
      });
      expect(await api.getHistory(runId, 'm3')).toHaveLength(1);
      expect(await api.getHistory(runId, 'm4')).toHaveLength(1);
    });

    test('a lost answer to an update, an upload and a deletion changes nothing', async () => {
      const run = await aRun();
      failOnce('runs/update', 'lose-answer');
      await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: startMs + 1 });
      failOnce('mlflow-artifacts', 'lose-answer');
      await target.putArtifact({
        run,
        path: 'a/b.txt',
        body: Buffer.from('hello'),
        contentType: 'text/plain',
      });
      expect(await target.getRun(run.runId)).toMatchObject({
        status: 'FINISHED',
        endMs: startMs + 1,
      });
      expect((await api.downloadArtifact(run.runId, 'a/b.txt')).toString()).toBe('hello');
      failOnce('runs/delete', 'lose-answer');
      await target.deleteRun(run.runId);
      expect(await target.getRun(run.runId)).toBeNull();
    });

    test('an upload of some megabytes arrives whole', async () => {
      const run = await aRun();
      const body = Buffer.alloc(5_000_000, 'ü');
      await target.putArtifact({
        run,
        path: 'big.bin',
        body,
        contentType: 'application/octet-stream',
      });
      expect((await api.downloadArtifact(run.runId, 'big.bin')).equals(body)).toBe(true);
    });

    test('a deleted experiment is said, and nothing is written', async () => {
      const name = anExperimentName();
      const { experimentId } = await target.ensureExperiment(name);
      await fetch(`${server.url}/api/2.0/mlflow/experiments/delete`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ experiment_id: experimentId }),
      });
      const { writes } = target.traffic;
      await expect(target.ensureExperiment(name)).rejects.toMatchObject({
        code: 'MLFLOW_EXPERIMENT_DELETED',
      });
      expect(await target.findExperiment(name)).toBeNull();
      expect(target.traffic.writes).toBe(writes);
    });

    test('several workers that create one experiment at once end with one', async () => {
      const name = anExperimentName();
      const targets = await Promise.all(
        [1, 2, 3].map(() => openTarget({ ...settings, trackingUri: server.url })),
      );
      const found = await Promise.all(targets.map((one) => one.ensureExperiment(name)));
      expect(new Set(found.map(({ experimentId }) => experimentId)).size).toBe(1);
      await Promise.all(targets.map((one) => one[Symbol.asyncDispose]()));
    });
  });
}

describeWithMlflow('how the newest MLflow refuses', ['newest'], () => {
  async function openOn(
    server: MlflowServer,
    options: Partial<TargetSettings> = {},
  ): Promise<Target> {
    return openTarget({ ...settings, trackingUri: server.url, ...options });
  }

  test('a host that is not allowed is said in its own words', async () => {
    await using server = await startMlflowServer({
      version: 'newest',
      extraArgs: ['--allowed-hosts', 'mlflow.example.com'],
    });
    await using target = await openOn(server);
    await expect(target.findExperiment('x')).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      message: expect.stringMatching(/Invalid Host header.*--allowed-hosts/),
    });
  });

  test('artifacts that it does not proxy, and a workspace that it does not have', async () => {
    await using server = await startMlflowServer({
      version: 'newest',
      extraArgs: ['--no-serve-artifacts', '--default-artifact-root', 's3://bucket/root'],
    });
    await using target = await openOn(server);
    const { experimentId, artifactLocation } = await target.ensureExperiment('x');
    expect(artifactLocation).toMatch(/^s3:/);
    const run = await target.createRun({ experimentId, name: 'r', startMs, tags: {} });
    const put = (artifactUri: string) =>
      target.putArtifact({
        run: { ...run, artifactUri },
        path: 'a.txt',
        body: Buffer.from('x'),
        contentType: 'text/plain',
      });
    await expect(put(run.artifactUri)).rejects.toMatchObject({
      code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
      message: expect.stringContaining('s3'),
    });
    await expect(put('mlflow-artifacts:/1/a/artifacts')).rejects.toMatchObject({
      code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
    });
    await using elsewhere = await openOn(server, { workspace: 'team-a' });
    const { requests } = elsewhere.traffic;
    await expect(elsewhere.findExperiment('x')).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      details: expect.objectContaining({ errorCode: 'FEATURE_DISABLED' }),
    });
    expect(elsewhere.traffic.requests).toBe(requests + 1);
  });

  test('a user without a password, with a wrong one, and with the right one', async () => {
    await using server = await startMlflowServer({
      version: 'newest',
      extraArgs: ['--app-name', 'basic-auth'],
      env: {
        MLFLOW_FLASK_SERVER_SECRET_KEY: 'for tests',
        MLFLOW_AUTH_ADMIN_PASSWORD: 'correct horse battery',
      },
    });
    const name = anExperimentName();
    const ensure = async (credentials: Partial<TargetSettings>) => {
      await using target = await openOn(server, credentials);
      return await target.ensureExperiment(name);
    };
    await expect(ensure({})).rejects.toMatchObject({ code: 'MLFLOW_AUTH' });
    const wrong = ensure({ username: 'admin', password: 'wrong horse battery' });
    await expect(wrong).rejects.toMatchObject({
      code: 'MLFLOW_AUTH',
      message: expect.not.stringContaining('horse'),
    });
    expect(
      await ensure({ username: 'admin', password: 'correct horse battery', token: 'ignored' }),
    ).toMatchObject({ name });
    const inUrl = server.url.replace('//', '//admin:correct%20horse%20battery@');
    expect(await ensure({ trackingUri: inUrl })).toMatchObject({ name });
  });
});
