/**
 * A seeded source gives one checked-in list of runs, so that a change of a number shows in review.
 * After a change that is meant: UPDATE_GOLDEN=1 npx vitest run --project unit test/golden
 */
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { goldenFile, readGolden, renderGolden } from '../support/golden-runs.ts';
import { readLocalPoints, readLocalRuns } from '../support/local-runs.ts';
import { createTinyTraffic, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench } from '../support/sync-bench.ts';

const regenerate =
  'test/golden/runs.json no longer holds. If the change is meant, write it anew with ' +
  '`UPDATE_GOLDEN=1 npx vitest run --project unit test/golden` and let the review see each number that moved.';

it('the runs of the tiny traffic are those of runs.json', async () => {
  await using bench = await openSyncBench({ traffic: createTinyTraffic(), nowMs: tinyNightMs });
  const summary = await bench.sync();
  expect(summary.failed).toEqual([]);
  const text = await renderGolden(readLocalRuns(bench.folder), ({ runId }) =>
    Promise.resolve(readLocalPoints(bench.folder, runId)),
  );
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(goldenFile, text);
  // oxlint-disable-next-line vitest/valid-expect -- vitest takes a message, which says how to write the file anew
  expect(text, regenerate).toBe(readGolden());
});
