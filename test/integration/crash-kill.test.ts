/**
 * Kill the process at any moment, run it again, and MLflow is equal to an uninterrupted run: no run extra, none
 * missing, same latest metrics, params, tags, artifacts by hash. Real processes, a real MLflow, `kill -9`.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { hashComparableArtifacts } from '../support/comparable-artifacts.ts';
import { createRandom, letLeaseRunOut, toSettledDays } from '../support/crash-kill.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/crash-process.ts';
import { createMlflowApi, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowProxy, type MlflowProxy } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const kills = 30;

describeWithMlflow('a worker that is killed', ['newest'], () => {
  const folder = openTempFolder();
  const { startMs, settleMinutes } = toSettledDays(Date.now(), 2);
  let mlflow: MlflowServer;
  let proxy: MlflowProxy;
  let langfuse: SampleServer;
  let api: MlflowApi;

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    proxy = await startMlflowProxy(mlflow.url);
    api = createMlflowApi(mlflow.url);
    langfuse = await startSampleServer({
      traffic: createSampleTraffic({ seed: 26, startMs, days: 2, requestsPerDay: 110 }),
    });
  });

  afterAll(async () => {
    await langfuse?.close();
    await proxy?.[Symbol.asyncDispose]();
    await mlflow?.stop();
    folder[Symbol.dispose]();
  });

  const stateOf = (name: string): string => join(folder.path, `${name}.db`);

  function start(name: string): WorkerProcess {
    const env = {
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
      LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
      MLFLOW_TRACKING_URI: proxy.url,
      MLFLOW_EXPERIMENT_NAME: name,
      SYNC_STATE_FILE: stateOf(name),
      SYNC_START: new Date(startMs).toISOString(),
      SYNC_SETTLE: `${settleMinutes}m`,
      SYNC_LOOKBACK: '2d',
    };
    return startWorkerProcess(['sync'], { cwd: folder.path, env });
  }

  async function runToEnd(name: string): Promise<void> {
    const { code, stderr } = await start(name).ended;
    if (code !== 0) throw new Error(`the worker ended with ${code}: ${stderr}`);
  }

  async function read(name: string): Promise<Record<string, unknown>[]> {
    const runs = await api.searchRuns(await api.findExperimentId(name));
    const hashes = new Map<string, Record<string, string>>();
    for (const run of runs) {
      hashes.set(
        run.tags['langfuse_mlflow.key'] ?? '',
        await hashComparableArtifacts(api, run.runId),
      );
    }
    // How often a session was published in between depends on where the worker died.
    return toComparableRuns(runs, { isSameServer: true }).map((run) => ({
      ...run,
      tags: Object.fromEntries(
        Object.entries(run.tags).filter(([name_]) => name_ !== 'langfuse_mlflow.revision'),
      ),
      artifacts: hashes.get(run.key),
    }));
  }

  test(`${kills} times leaves what an uninterrupted one leaves`, async () => {
    const random = createRandom(42);
    const between = (least: number, most: number): number =>
      least + Math.floor(random() * (most - least + 1));
    await runToEnd('clean');
    const expected = await read('clean');
    expect(expected.length).toBeGreaterThan(20);

    let killed = 0;
    let round = 1;
    while (killed < kills) {
      const name = `killed ${round}`;
      const isKilled = await runAndKill(name, between);
      if (isKilled) {
        killed += 1;
        letLeaseRunOut(stateOf(name));
        continue;
      }
      // It came to its end before its turn to die: look at what it left, and begin anew.
      expect({ round, runs: await read(name) }).toEqual({ round, runs: expected });
      round += 1;
    }
    await runToEnd(`killed ${round}`);
    expect({ round, runs: await read(`killed ${round}`) }).toEqual({ round, runs: expected });
  }, 600_000);

  /** Kills at a moment of the run's own life: so many requests in, or so many milliseconds. False when it ended first. */
  async function runAndKill(
    name: string,
    between: (least: number, most: number) => number,
  ): Promise<boolean> {
    const worker = start(name);
    const by = (['mlflow', 'mlflow', 'langfuse', 'time'] as const)[between(0, 3)] ?? 'time';
    const count = between(1, by === 'langfuse' ? 4 : 40);
    const delayMs = between(0, 25);
    const strike = (): void => void setTimeout(() => worker.kill(), delayMs);

    let seen = 0;
    proxy.onRequest = () => {
      seen += 1;
      if (by === 'mlflow' && seen === count) strike();
      return 'pass';
    };
    langfuse.clearRequests();
    const watch = setInterval(() => {
      if (by === 'langfuse' && langfuse.requests.length >= count) strike();
    }, 5);
    const timer = by === 'time' ? setTimeout(strike, between(300, 4000)) : undefined;
    const { code, signal, stderr } = await worker.ended;
    clearInterval(watch);
    clearTimeout(timer);
    proxy.onRequest = () => 'pass';
    if (signal === 'SIGKILL') return true;
    if (code !== 0) throw new Error(`the worker ended with ${code}: ${stderr}`);
    return false;
  }
});
