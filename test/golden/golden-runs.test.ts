/**
 * A seeded source gives one checked-in list of runs, so that a change of a number shows in review.
 * After a change that is meant: UPDATE_GOLDEN=1 npx vitest run --project unit test/golden
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readLocalPoints, readLocalRuns } from '../support/local-runs.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { createTinyTraffic, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench } from '../support/sync-bench.ts';

const file = fileURLToPath(new URL('runs.json', import.meta.url));

const regenerate =
  'test/golden/runs.json no longer holds. If the change is meant, write it anew with ' +
  '`UPDATE_GOLDEN=1 npx vitest run --project unit test/golden` and let the review see each number that moved.';

it('the runs of the tiny traffic are those of runs.json', async () => {
  const text = await renderRuns();
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
  // oxlint-disable-next-line vitest/valid-expect -- vitest takes a message, which says how to write the file anew
  expect(text, regenerate).toBe(readFileSync(file, 'utf8'));
});

async function renderRuns(): Promise<string> {
  await using bench = await openSyncBench({ traffic: createTinyTraffic(), nowMs: tinyNightMs });
  const summary = await bench.sync();
  expect(summary.failed).toEqual([]);
  const stored = readLocalRuns(bench.folder);
  const byKey = new Map(stored.map((run) => [run.tags['langfuse_mlflow.key'], run]));
  const runs = toComparableRuns(stored).map(({ metrics, ...run }) => {
    const original = byKey.get(run.key);
    return {
      ...run,
      /** Tags whose value holds the sample server's port. */
      tagsWithAddress: Object.keys(original?.tags ?? {})
        .filter((name) => !(name in run.tags))
        .toSorted()
        .join(', '),
      ...(run.grain === 'trend'
        ? { points: toPointLines(readLocalPoints(bench.folder, original?.runId ?? '')) }
        : { metrics: round(metrics) }),
    };
  });
  return `${JSON.stringify(runs, null, 2)}\n`;
}

/** `step @ time: value`, a line each. */
function toPointLines(
  points: ReturnType<typeof readLocalPoints>,
): Record<string, Record<string, number | string>> {
  return Object.fromEntries(
    Object.entries(points).map(([name, all]) => [
      name,
      Object.fromEntries(
        all.map((point) => [`${point.step} @ ${point.timestampMs}`, toRounded(point.value)]),
      ),
    ]),
  );
}

function round(
  metrics: Readonly<Record<string, number | string>>,
): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, toRounded(value)]),
  );
}

/** The last digits of a sum may differ from one build of SQLite to the next. */
const toRounded = (value: number | string): number | string =>
  typeof value === 'number' ? Number(value.toPrecision(12)) : value;
