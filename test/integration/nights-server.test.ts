/**
 * Eight of the troubled nights against a real MLflow server: late, changed, moved and deleted rows, outages, lost
 * answers and deaths of the worker, then a repair. What the server holds, read back with every point and file, equals
 * one clean backfill of the same traffic into the MLflow in memory, but for the address that their reports link to.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import { withComparableArtifacts } from '../support/comparable-artifacts.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { firstDayMs } from '../support/crash-traffic.ts';
import { crashExperiment, newWorld } from '../support/crash-world.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import {
  everything,
  lastNightOf,
  liveThroughNights,
  repair,
  runNight,
  verify,
} from '../support/nights-life.ts';
import { openWatched, readIntoStore } from '../support/nights-server.ts';
import { nightsStories } from '../support/nights-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const seed = Number(process.env['NIGHTS_SEED'] ?? 1);
const nights = 8;
const clean = { comparesStarts: false } as const;

describeWithMlflow('troubled nights on a server', ['newest'], () => {
  let mlflow: MlflowServer;
  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
  });
  afterAll(async () => {
    await mlflow?.stop();
  });

  test(`${nights} of them and a repair leave what one backfill leaves`, async () => {
    using folder = openTempFolder();
    const [story] = fc.sample(nightsStories, { seed, numRuns: 1 });
    if (story === undefined) throw new Error('no story');
    const kinds = story.nights
      .slice(0, nights)
      .flatMap(({ troubles }) => troubles.map(({ kind }) => kind));
    expect(new Set(kinds).size).toBeGreaterThan(2);
    const inMemory = { file: `${folder.path}/state.db`, story, nights };
    const life = { ...inMemory, openMlflow: openWatched(mlflow.url) };

    const mended = await repair(life, await liveThroughNights(life));
    const found = await readIntoStore(mlflow.url, crashExperiment);

    const backfill = await runNight(inMemory, newWorld(), {
      night: lastNightOf(life),
      attempt: 0,
      request: {
        kind: 'backfill',
        fromMs: firstDayMs,
        toMs: firstDayMs + (lastNightOf(life) + 2) * dayMs,
      },
    });
    expect(backfill.summary?.failed).toEqual([]);
    expect(Object.keys(viewRuns(backfill.world.store, clean)).length).toBeGreaterThan(20);
    expect(viewRuns(withComparableArtifacts(found), clean)).toEqual(
      viewRuns(withComparableArtifacts(backfill.world.store), clean),
    );

    const again = await verify(life, mended, { ...everything, isRepair: false });
    expect(again.verification?.isClean).toBe(true);
    const quiet = await runNight(life, mended, { night: lastNightOf(life), attempt: 9 });
    expect(quiet.summary?.failed).toEqual([]);
    expect(quiet.writes).toBe(0);
  }, 600_000);
});
