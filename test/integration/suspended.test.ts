/**
 * A laptop that is closed in the middle of a sync: the process is stopped (SIGSTOP), its lease runs out, another worker
 * takes over and finishes, and when the first one wakes (SIGCONT) it writes nothing more and says why.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { letLeaseRunOut, toSettledDays } from '../support/crash-kill.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/crash-process.ts';
import { createMlflowApi } from '../support/mlflow-api.ts';
import { startMlflowProxy, type MlflowProxy, type SeenRequest } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns, type ComparableRun } from '../support/same-runs.ts';
import { openTempFolder } from '../support/temp-folder.ts';

/** Searches are sent by POST. */
const isWrite = (request: SeenRequest): boolean =>
  request.method !== 'GET' && !request.path.split('?')[0]?.endsWith('/search');

describe.skipIf(process.platform === 'win32')('a process that is stopped', () => {
  describeWithMlflow('over a real MLflow', ['newest'], () => {
    const folder = openTempFolder();
    const { startMs, settleMinutes } = toSettledDays(Date.now(), 1);
    let mlflow: MlflowServer;
    let proxy: MlflowProxy;
    let langfuse: SampleServer;

    beforeAll(async () => {
      mlflow = await startMlflowServer({ version: 'newest' });
      proxy = await startMlflowProxy(mlflow.url);
      langfuse = await startSampleServer({
        traffic: createSampleTraffic({ seed: 31, startMs, days: 1, requestsPerDay: 90 }),
      });
    });

    afterAll(async () => {
      await langfuse?.close();
      await proxy?.[Symbol.asyncDispose]();
      await mlflow?.stop();
      folder[Symbol.dispose]();
    });

    const start = (name: string): WorkerProcess =>
      startWorkerProcess(['sync'], {
        cwd: folder.path,
        env: {
          LANGFUSE_BASE_URL: langfuse.url,
          LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
          LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
          MLFLOW_TRACKING_URI: proxy.url,
          MLFLOW_EXPERIMENT_NAME: name,
          SYNC_STATE_FILE: join(folder.path, `${name}.db`),
          SYNC_START: new Date(startMs).toISOString(),
          SYNC_SETTLE: `${settleMinutes}m`,
        },
      });

    async function read(name: string): Promise<ComparableRun[]> {
      const api = createMlflowApi(mlflow.url);
      const runs = await api.searchRuns(await api.findExperimentId(name));
      return toComparableRuns(runs, { isSameServer: true }).map((run) => ({
        ...run,
        tags: Object.fromEntries(
          Object.entries(run.tags).filter(([tag]) => tag !== 'langfuse_mlflow.revision'),
        ),
      }));
    }

    test('counts as lost: another takes over, and it writes nothing more when it wakes', async () => {
      const clean = await start('undisturbed').ended;
      expect(clean.code).toBe(0);
      const expected = await read('undisturbed');
      expect(expected.length).toBeGreaterThan(10);

      for (const stopAt of [3, 20]) {
        const name = `stopped at write ${stopAt}`;
        proxy.seen.length = 0;
        const sleeper = start(name);
        await new Promise<void>((resolve) => {
          proxy.onRequest = () => {
            if (proxy.seen.filter(isWrite).length === stopAt) {
              sleeper.signal('SIGSTOP');
              resolve();
            }
            return 'pass';
          };
        });
        // It is alive, and nobody may take what it holds before its lease has run out.
        proxy.onRequest = () => 'pass';
        const early = await start(name).ended;
        expect({ name, code: early.code }).toEqual({ name, code: 75 });
        expect(early.stderr).toMatch(/Another worker .* is using/);
        letLeaseRunOut(join(folder.path, `${name}.db`));
        const taker = await start(name).ended;
        expect({ name, code: taker.code, stderr: taker.stderr }).toMatchObject({ name, code: 0 });
        const finished = await read(name);
        expect({ name, runs: finished }).toEqual({ name, runs: expected });

        const before = proxy.seen.filter(isWrite).length;
        sleeper.signal('SIGCONT');
        const woken = await sleeper.ended;
        expect({ name, code: woken.code }).toEqual({ name, code: 75 });
        expect(woken.stderr).toMatch(/Another worker has taken over/);
        expect(proxy.seen.filter(isWrite).length - before).toBe(0);
        expect({ name, runs: await read(name) }).toEqual({ name, runs: expected });
      }
    });
  });
});
