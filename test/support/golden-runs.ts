/** The runs of the tiny traffic as test/golden/runs.json has them, from whichever MLflow they are read. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ApiPoint, ApiRun } from './mlflow-api.ts';
import { toComparableRuns } from './same-runs.ts';

export const goldenFile = fileURLToPath(new URL('../golden/runs.json', import.meta.url));

export const readGolden = (): string => readFileSync(goldenFile, 'utf8');

/** `pointsOf`: every point of a trend run, by metric, steps in order. */
export async function renderGolden(
  stored: readonly ApiRun[],
  pointsOf: (run: ApiRun) => Promise<Record<string, readonly ApiPoint[]>>,
): Promise<string> {
  const byKey = new Map(stored.map((run) => [run.tags['langfuse_mlflow.key'], run]));
  const runs = await Promise.all(
    toComparableRuns(stored).map(async ({ metrics, ...run }) => {
      const original = byKey.get(run.key);
      if (original === undefined) throw new Error(`${run.name} has no key`);
      return {
        ...run,
        /** Tags whose value holds the sample server's port. */
        tagsWithAddress: Object.keys(original.tags)
          .filter((name) => !(name in run.tags))
          .toSorted()
          .join(', '),
        ...(run.grain === 'trend'
          ? { points: toPointLines(await pointsOf(original)) }
          : { metrics: round(metrics) }),
      };
    }),
  );
  return `${JSON.stringify(runs, null, 2)}\n`;
}

/** `step @ time: value`, a line each. */
function toPointLines(
  points: Readonly<Record<string, readonly ApiPoint[]>>,
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
