/**
 * Connections to Langfuse and to MLflow that break, stall and lose text at any byte of a request or of an answer; a
 * clean sync afterwards leaves what an undisturbed one leaves, and no run twice.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import { createRandom } from '../support/crash-kill.ts';
import { createMlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns, type ComparableRun } from '../support/same-runs.ts';
import { createTinyTraffic, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';
import { startHarmProxy, type Harm, type HarmProxy } from '../support/harm-proxy.ts';

const seeds = [1, 2, 3];
/** Of each seed's syncs, before the clean one. */
const troubledSyncs = 2;

describeWithMlflow('connections that break at chosen bytes', ['newest'], () => {
  let mlflow: MlflowServer;
  let bench: SyncBench;
  let toLangfuse: HarmProxy;
  let toMlflow: HarmProxy;
  let undisturbed: ComparableRun[];

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    toMlflow = await startHarmProxy(mlflow.url);
    bench = await openSyncBench({
      traffic: createTinyTraffic(),
      nowMs: tinyNightMs,
      trackingUri: toMlflow.url,
    });
    toLangfuse = await startHarmProxy(bench.server.url);
    await bench.sync({ env: envOf('undisturbed') });
    undisturbed = await readRuns('undisturbed');
  });

  afterAll(async () => {
    await toLangfuse?.[Symbol.asyncDispose]();
    await bench?.[Symbol.asyncDispose]();
    await toMlflow?.[Symbol.asyncDispose]();
    await mlflow?.stop();
  });

  /** A state file and an experiment of its own. */
  const envOf = (name: string): Record<string, string> => ({
    LANGFUSE_BASE_URL: toLangfuse.url,
    MLFLOW_EXPERIMENT_NAME: name,
    SYNC_STATE_FILE: join(bench.folder, `${name}.db`),
  });

  async function readRuns(name: string): Promise<ComparableRun[]> {
    const api = createMlflowApi(mlflow.url);
    const runs = toComparableRuns(await api.searchRuns(await api.findExperimentId(name)), {
      isSameServer: true,
    });
    return runs.map((run) => ({
      ...run,
      // A trend begins with the first of its points that was written, and MLflow moves no start.
      startMs: run.grain === 'trend' ? undefined : run.startMs,
      tags: withoutOwn(run.tags),
    }));
  }

  it('are whole at first', async () => {
    expect(undisturbed.length).toBeGreaterThan(20);
    expect((await bench.sync({ env: envOf('undisturbed') })).mlflow.writes).toBe(0);
  });

  it.each(seeds)('seed %i', async (seed) => {
    const name = `broken-${seed}`;
    const random = createRandom(seed);
    const done = new Set<string>();
    const harmSome = (share: number) => (): Harm | null => {
      if (random() >= share) return null;
      const harm = toHarm(random);
      done.add(`${harm.side} ${harm.place.part}`);
      return harm;
    };
    for (let night = 0; night < troubledSyncs; night += 1) {
      toLangfuse.harm = harmSome(0.3);
      toMlflow.harm = harmSome(0.06);
      await syncOrFail(name);
    }
    toLangfuse.harm = () => null;
    toMlflow.harm = () => null;
    expect(done.size).toBeGreaterThan(3);

    const summary = await bench.sync({ env: envOf(name) });
    expect(summary.failed).toEqual([]);
    expect(await readRuns(name)).toEqual(undisturbed);
    // Every artifact's hash and every point of a trend as well.
    expect(await bench.verify({}, { env: envOf(name) })).toMatchObject({ isClean: true });
    expect((await bench.sync({ env: envOf(name) })).mlflow.writes).toBe(0);
  });

  /** A sync in trouble succeeds, leaves windows for later, or ends with an error of the catalogue. */
  async function syncOrFail(name: string): Promise<void> {
    try {
      await bench.sync({
        env: {
          ...envOf(name),
          SYNC_LANGFUSE_TIMEOUT: '1s',
          MLFLOW_HTTP_REQUEST_TIMEOUT: '2',
          MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2',
        },
      });
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'INTERNAL') throw error;
    }
  }
});

/** A revision is claimed before it is written; a hash tells of it, and times of writing differ. */
function withoutOwn(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(([name]) => !/^langfuse_mlflow\.(revision|hash)$/.test(name)),
  );
}

function toHarm(random: () => number): Harm {
  const side = random() < 0.4 ? 'request' : 'response';
  const part = (['head', 'body', 'last'] as const)[Math.floor(random() * 3)] ?? 'last';
  const share = random();
  const dice = random();
  const how = dice < 0.1 ? 'stall' : dice < 0.4 ? 'end' : dice < 0.7 ? 'cut' : 'shorten';
  return {
    side,
    place: part === 'last' ? { part } : { part, share },
    how: how === 'shorten' && side === 'request' ? 'cut' : how,
  };
}
