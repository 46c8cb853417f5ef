/** Rows that no slice of time can tell apart, and rows exactly on the edges of a window. */
import { describe, expect, it } from 'vitest';
import type { SampleTraffic } from '../../src/demo/sample-types.ts';
import { minuteMs } from '../../src/shared/time.ts';
import type { Source } from '../../src/sync/ports.ts';
import {
  anInterval,
  dayStartMs,
  readAll,
  sampleObservation,
  sampleTraffic,
  startProject,
} from './project.ts';

const tenMinutes = anInterval(dayStartMs, dayStartMs + 10 * minuteMs);
const never = new AbortController().signal;

/** `count` calls that began in the same millisecond, all of one trace. */
function simultaneous(count: number): SampleTraffic {
  const one = sampleObservation({ startMs: dayStartMs + minuteMs, input: null, output: null });
  return sampleTraffic({
    observations: Array.from({ length: count }, (_, index) => ({ ...one, id: `row-${index}` })),
  });
}

/** Reads page by page and keeps the ids alone. */
async function readIds(source: Source): Promise<{ rows: number; ids: Set<string> }> {
  const ids = new Set<string>();
  let rows = 0;
  for await (const page of source.readWindow(tenMinutes, { signal: never })) {
    rows += page.observations.length;
    for (const { id } of page.observations) ids.add(id);
    expect(page.unreadable).toEqual([]);
  }
  return { rows, ids };
}

describe('rows with one start time', () => {
  it('are all read through v2, each once, when there are 200,000', async () => {
    await using project = await startProject({
      mode: 'events_only',
      traffic: simultaneous(200_000),
    });
    const { rows, ids } = await readIds(await project.open({ timeoutMs: 60_000 }));
    expect(ids.size).toBe(200_000);
    expect(rows).toBe(200_000);
  });

  it('are all read through the legacy lists, 100 a page, when there are 2,000', async () => {
    await using project = await startProject({ mode: 'v3-legacy', traffic: simultaneous(2000) });
    const { ids } = await readIds(await project.open({ timeoutMs: 60_000 }));
    expect(ids.size).toBe(2000);
  });
});

describe.each(['events_only', 'v3-legacy'] as const)('the edges of a window (%s)', (mode) => {
  it('belong to it at its start, and to the next one at its end, to the millisecond', async () => {
    const from = tenMinutes.fromMs;
    const to = tenMinutes.toMs;
    const next = anInterval(to, to + 10 * minuteMs);
    const offsets = [from - 1, from, from + 1, to - 1, to, to + 1];
    await using project = await startProject({
      mode,
      traffic: sampleTraffic({
        observations: offsets.map((startMs) => sampleObservation({ id: `at-${startMs}`, startMs })),
      }),
    });
    const source = await project.open();
    const idsOf = async (interval: typeof next): Promise<string[]> =>
      [...new Set((await readAll(source, interval)).observations.map((row) => row.id))].toSorted();
    expect(await idsOf(tenMinutes)).toEqual(
      [from, from + 1, to - 1].map((startMs) => `at-${startMs}`).toSorted(),
    );
    expect(await idsOf(next)).toEqual([to, to + 1].map((startMs) => `at-${startMs}`).toSorted());
  });
});
