/**
 * The same without a server: a worker that writes MLflow's own file is killed at any moment, run again, and the file
 * is equal to one of an uninterrupted run. Here a whole window is one transaction, and the state commits after it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { openLocalTarget } from '../../src/mlflow/local-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/crash-process.ts';
import { createRandom, letLeaseRunOut, toSettledDays } from '../support/crash-kill.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const kills = 20;
const experiment = 'killed';

describe('a worker without a server that is killed', () => {
  const folder = openTempFolder();
  const days = toSettledDays(Date.now(), 3);
  let langfuse: SampleServer;

  beforeAll(async () => {
    langfuse = await startSampleServer({
      traffic: createSampleTraffic({
        seed: 26,
        startMs: days.startMs,
        days: 3,
        requestsPerDay: 150,
      }),
    });
  });

  afterAll(async () => {
    await langfuse?.close();
    folder[Symbol.dispose]();
  });

  const stateOf = (name: string): string => join(folder.path, `${name}-state.db`);
  const uriOf = (name: string): string => `sqlite:///${join(folder.path, name, 'mlflow.db')}`;

  function start(name: string): WorkerProcess {
    const env = {
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
      LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
      MLFLOW_TRACKING_URI: uriOf(name),
      MLFLOW_EXPERIMENT_NAME: experiment,
      SYNC_STATE_FILE: stateOf(name),
      SYNC_START: new Date(days.startMs).toISOString(),
      SYNC_SETTLE: `${days.settleMinutes}m`,
      SYNC_REQUEST_RUNS: 'true',
    };
    return startWorkerProcess(['sync'], { cwd: folder.path, env });
  }

  async function read(name: string): Promise<Record<string, unknown>> {
    await using target = await openLocalTarget({
      trackingUri: uriOf(name),
      timeoutMs: 5000,
      clock: systemClock,
    });
    const found = await target.findExperiment(experiment);
    const runs: Record<string, unknown> = {};
    for await (const run of target.listRuns(found?.experimentId ?? '')) {
      const key = run.tags['langfuse_mlflow.key'] ?? '';
      if (runs[key] !== undefined) throw new Error(`two runs for ${run.name}`);
      // How often a session was published in between depends on where the worker died.
      const tags = { ...run.tags, 'langfuse_mlflow.revision': '' };
      runs[key] = { ...run, tags, artifacts: hashArtifacts(name, run.artifactUri) };
    }
    return { runs, points: readPoints(name) };
  }

  function hashArtifacts(name: string, artifactUri: string): Record<string, string> {
    const place = join(folder.path, name, artifactUri);
    if (!existsSync(place)) return {};
    return Object.fromEntries(
      readdirSync(place)
        .toSorted()
        .map((file) => [
          file,
          createHash('sha256')
            .update(readFileSync(join(place, file)))
            .digest('hex'),
        ]),
    );
  }

  /** Of trends what a chart over steps shows. */
  function readPoints(name: string): unknown[] {
    const db = new Database(join(folder.path, name, 'mlflow.db'), { readonly: true });
    try {
      return db
        .prepare(
          `SELECT r.name, m.key, m.step, max(m.timestamp) AS at, m.value, m.is_nan
           FROM metrics m JOIN runs r USING (run_uuid)
           WHERE r.name LIKE 'trend %' GROUP BY r.name, m.key, m.step ORDER BY r.name, m.key, m.step`,
        )
        .all();
    } finally {
      db.close();
    }
  }

  async function runToEnd(name: string): Promise<number> {
    const begun = Date.now();
    const { code, stderr } = await start(name).ended;
    if (code !== 0) throw new Error(`the worker ended with ${code}: ${stderr}`);
    return Date.now() - begun;
  }

  test(`${kills} times leaves the file that an uninterrupted one leaves`, async () => {
    const random = createRandom(7);
    const tookMs = await runToEnd('clean');
    const expected = await read('clean');
    expect(Object.keys(expected['runs'] as object).length).toBeGreaterThan(250);

    let killed = 0;
    let round = 1;
    while (killed < kills) {
      const worker = start(`killed-${round}`);
      // Moments of all its life: what it did before it was killed, it need not do again.
      const timer = setTimeout(() => worker.kill(), 200 + random() * tookMs);
      const { code, signal, stderr } = await worker.ended;
      clearTimeout(timer);
      if (signal === 'SIGKILL') {
        killed += 1;
        letLeaseRunOut(stateOf(`killed-${round}`));
        continue;
      }
      if (code !== 0) throw new Error(`the worker ended with ${code}: ${stderr}`);
      expect({ round, ...(await read(`killed-${round}`)) }).toEqual({ round, ...expected });
      round += 1;
    }
    await runToEnd(`killed-${round}`);
    expect({ round, ...(await read(`killed-${round}`)) }).toEqual({ round, ...expected });
  }, 600_000);
});
