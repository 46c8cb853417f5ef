/**
 * A sharded backfill of sample traffic with real processes that run at the same time, some of them killed, over a real
 * MLflow: merged, it leaves what one backfill leaves, and `verify` finds nothing to mend.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { hashComparableArtifacts } from '../support/comparable-artifacts.ts';
import { letLeaseRunOut, toSettledDays } from '../support/crash-kill.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/crash-process.ts';
import { createMlflowApi, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const days = 4;
const shards = 3;
const dayMs = 86_400_000;

/** The last shard has two windows: it is in the midst of them now. */
async function untilReadOne(file: string): Promise<void> {
  await vi.waitFor(
    () => {
      const db = new Database(file, { readonly: true, fileMustExist: true });
      try {
        expect(db.prepare('SELECT count(*) FROM windows').pluck().get()).toBeGreaterThan(0);
      } finally {
        db.close();
      }
    },
    { timeout: 60_000, interval: 20 },
  );
}

describeWithMlflow('a backfill in shards', ['newest'], () => {
  const folder = openTempFolder();
  const { startMs, settleMinutes } = toSettledDays(Date.now(), days);
  const range = [
    '--from',
    new Date(startMs).toISOString(),
    '--to',
    new Date(startMs + days * dayMs).toISOString(),
  ];
  let mlflow: MlflowServer;
  let langfuse: SampleServer;
  let api: MlflowApi;

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    api = createMlflowApi(mlflow.url);
    langfuse = await startSampleServer({
      traffic: createSampleTraffic({ seed: 31, startMs, days, requestsPerDay: 20 }),
    });
  });

  afterAll(async () => {
    await langfuse?.close();
    await mlflow?.stop();
    folder[Symbol.dispose]();
  });

  const fileOf = (name: string): string => join(folder.path, `${name}.db`);

  function start(
    args: readonly string[],
    place: { readonly experiment: string; readonly file: string; readonly index?: number },
  ): WorkerProcess {
    const env = {
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
      LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
      MLFLOW_TRACKING_URI: mlflow.url,
      MLFLOW_EXPERIMENT_NAME: place.experiment,
      SYNC_STATE_FILE: place.file,
      SYNC_SETTLE: `${settleMinutes}m`,
      ...(place.index === undefined ? {} : { JOB_COMPLETION_INDEX: String(place.index) }),
    };
    return startWorkerProcess(args, { cwd: folder.path, env });
  }

  const startShard = (index: number): WorkerProcess =>
    start(['backfill', ...range, '--shards', String(shards)], {
      experiment: 'sharded',
      file: fileOf(`shard-${index}`),
      index,
    });

  async function toEnd(worker: WorkerProcess, code = 0): Promise<string> {
    const ended = await worker.ended;
    if (ended.code !== code) throw new Error(`it ended with ${ended.code}: ${ended.stderr}`);
    return ended.stderr;
  }

  async function read(experiment: string): Promise<Record<string, unknown>[]> {
    const experimentId = await api.findExperimentId(experiment);
    const runs = await api.searchRuns(experimentId);
    const artifacts = new Map<string, Record<string, string>>();
    for (const run of runs) {
      artifacts.set(
        run.tags['langfuse_mlflow.key'] ?? '',
        await hashComparableArtifacts(api, run.runId),
      );
    }
    expect(artifacts.size).toBe(runs.length);
    return toComparableRuns(runs, { isSameServer: true }).map((run) => ({
      ...run,
      tags: Object.fromEntries(
        // The hash is also over links into the experiment.
        Object.entries(run.tags).filter(([name]) => !/\.(revision|hash)$/.test(name)),
      ),
      artifacts: artifacts.get(run.key),
    }));
  }

  test('is equal to one backfill once it is merged, though pods and merge are killed', async () => {
    await toEnd(start(['backfill', ...range], { experiment: 'whole', file: fileOf('whole') }));

    const pods = Array.from({ length: shards }, (_, index) => startShard(index));
    await untilReadOne(fileOf('shard-2'));
    pods[2]?.kill();
    const ends = await Promise.all(pods.map((pod) => pod.ended));
    expect(ends.map(({ code }) => code).filter((code) => code !== 0 && code !== null)).toEqual([]);

    const out = fileOf('merged');
    const files = Array.from({ length: shards }, (_, index) => fileOf(`shard-${index}`));
    const merge = (shardFiles = files): WorkerProcess =>
      start(['merge', ...shardFiles], { experiment: 'sharded', file: out });
    letLeaseRunOut(fileOf('shard-2'));
    // Whether or not it came to its end before it was killed.
    const incomplete = merge(files.slice(0, 2));
    expect(await toEnd(incomplete, 3)).toContain('no file of shard 3/3');
    expect(existsSync(out)).toBe(false);
    await toEnd(startShard(2));

    for (const delayMs of [1600, 3000]) {
      const killed = merge();
      setTimeout(() => killed.kill(), delayMs);
      if ((await killed.ended).signal !== 'SIGKILL') break;
      if (existsSync(out)) letLeaseRunOut(out);
      for (const file of files) letLeaseRunOut(file);
    }
    await toEnd(merge());

    expect(await read('sharded')).toEqual(await read('whole'));
    await toEnd(start(['verify'], { experiment: 'sharded', file: out }));
  }, 600_000);

  test('refuses what would double runs: a shard without its file, a shard as a whole, two shards on one file', async () => {
    const lost = start(['backfill', ...range, '--shard', '1/3'], {
      experiment: 'sharded',
      file: fileOf('lost'),
    });
    expect(await toEnd(lost, 2)).toContain('already holds runs');

    copyFileSync(fileOf('shard-0'), fileOf('taken'));
    const taken = { experiment: 'sharded', file: fileOf('taken') };
    expect(await toEnd(start(['sync'], taken), 2)).toContain('holds shard 1/3');
    const other = start(['backfill', ...range, '--shard', '2/3'], taken);
    expect(await toEnd(other, 2)).toContain('holds shard 1/3');
    const twice = start(['merge', fileOf('shard-0'), fileOf('taken')], {
      experiment: 'sharded',
      file: fileOf('twice'),
    });
    expect(await toEnd(twice, 2)).toContain('both hold shard 1/3');
  });
});
