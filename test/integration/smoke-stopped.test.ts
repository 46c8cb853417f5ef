import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { startWorkerProcess } from '../support/crash-process.ts';
import { emptyTraffic } from '../support/empty-traffic.ts';
import {
  litellmKey,
  mockConfig,
  startLitellm,
  type LitellmProxy,
} from '../support/litellm-proxy.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';
import { startMlflowProxy } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { runCli } from '../support/run-cli.ts';

const dayMs = 86_400_000;

describeWithLitellm('a smoke', () => {
  describeWithMlflow('beside a real MLflow', ['newest'], () => {
    let langfuse: SampleServer;
    let litellm: LitellmProxy;
    let mlflow: MlflowServer;
    let cwd: string;
    beforeAll(async () => {
      langfuse = await startSampleServer({ traffic: emptyTraffic });
      litellm = await startLitellm({ config: mockConfig, langfuse });
      mlflow = await startMlflowServer({ version: 'newest' });
    });
    afterAll(async () => {
      await mlflow?.stop();
      await litellm?.stop();
      await langfuse?.close();
    });
    beforeEach(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-stopped-'));
      await mkdir(join(cwd, 'tmp'));
    });
    afterEach(() => rm(cwd, { recursive: true, force: true }));

    const envFor = (uri: string): Record<string, string> => ({
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
      LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
      LITELLM_BASE_URL: litellm.url,
      LITELLM_API_KEY: litellmKey,
      LITELLM_MODEL: 'mock-gpt',
      MLFLOW_TRACKING_URI: uri,
      TMPDIR: join(cwd, 'tmp'),
    });

    test.each([
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const)('stopped by %s deletes what it had made', async (signal, exitCode) => {
      await using proxy = await startMlflowProxy(mlflow.url);
      const worker = startWorkerProcess(['smoke'], { cwd, env: envFor(proxy.url) });
      let created = 0;
      let deleted = 0;
      proxy.onRequest = ({ path }) => {
        if (path.endsWith('/runs/create')) created += 1;
        if (path.endsWith('/runs/delete')) deleted += 1;
        if (!path.endsWith('/runs/log-batch')) return 'pass';
        // In the middle of its writes, a run being open.
        worker.stop(signal);
        return 'hang';
      };
      const end = await worker.ended;
      expect([end.code, created > 0]).toEqual([exitCode, true]);
      expect(end.stderr).toMatch(/The smoke was stopped: [1-9]\d* runs? deleted/);
      expect(deleted).toBe(created);
      expect(await activeRuns(mlflow.url, 'litellm-monitoring-smoke')).toEqual([]);
      const left = await readdir(join(cwd, 'tmp'));
      expect(left.filter((name) => name.startsWith('langfuse-mlflow'))).toEqual([]);
    });

    test('is followed into the experiment that sync writes to', async () => {
      const sentMs = Date.now() - 2 * dayMs;
      const time = new Date(sentMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
      const marker = `smoke-${time}-0123456789ab`;
      await fetch(`${litellm.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${litellmKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'mock-gpt',
          messages: [{ role: 'user', content: `Two days ago. (${marker})` }],
          metadata: { session_id: marker },
        }),
      });
      await waitForRow(langfuse, marker, sentMs);
      const env = { ...envFor(mlflow.url), MLFLOW_EXPERIMENT_NAME: 'followed' };
      const follow = (): ReturnType<typeof runCli> =>
        runCli(['smoke', '--follow', marker, '--json'], { cwd, env });
      const early = await follow();
      expect(JSON.parse(early.stdout)).toMatchObject({
        failure: { code: 'SMOKE_NOT_SYNCED' },
        hops: [
          { name: 'langfuse', ok: true },
          { name: 'mlflow', ok: false },
        ],
        exit_code: 3,
      });
      const synced = await runCli(['sync'], { cwd, env });
      expect([synced.code, synced.stderr]).toMatchObject([0, expect.any(String)]);
      const late = await follow();
      expect(JSON.parse(late.stdout)).toMatchObject({
        failure: null,
        experiment: 'followed',
        hops: [
          { name: 'langfuse', detail: expect.stringContaining('10 prompt + 20 completion') },
          { name: 'mlflow', detail: expect.stringContaining('10 prompt + 20 completion') },
        ],
        exit_code: 0,
      });
    });
  });
});

/** Waits for the row of a session and moves it to when it is meant to have been. */
async function waitForRow(langfuse: SampleServer, session: string, toMs: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const row = langfuse.store
      .view()
      .observations.find((one) => JSON.stringify(one.input).includes(session));
    if (row !== undefined) {
      langfuse.store.changeObservation(row, { startMs: toMs, endMs: toMs + 1000 });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no row of ${session}`);
}

async function activeRuns(url: string, name: string): Promise<unknown[]> {
  const asked = await fetch(
    `${url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=${name}`,
  );
  const { experiment } = (await asked.json()) as { experiment: { experiment_id: string } };
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_ids: [experiment.experiment_id] }),
  });
  return ((await answer.json()) as { runs?: unknown[] }).runs ?? [];
}
