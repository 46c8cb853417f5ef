/**
 * Answers of Langfuse that end too early in good order: what is there of them is never taken for all. Each request is
 * asked again; a list that stays short leaves its window to the next run.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFramingProxy, type Framing, type FramingProxy } from '../support/framing-proxy.ts';
import { readLocalRuns } from '../support/local-runs.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { createTinyTraffic, dayMs, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const traffic = createTinyTraffic();
const framings: readonly Framing[] = ['length', 'chunked', 'gzip'];
/** How much of the bytes that hold the text gets through; -1: all but the last one. */
const shares = [0, 0.3, 0.9, -1];
const secondDay = new Date(traffic.startMs + dayMs).toISOString().slice(0, 10);

let undisturbed: unknown;

beforeAll(async () => {
  await using bench = await openSyncBench({ traffic, nowMs: tinyNightMs });
  await bench.sync();
  undisturbed = resultOf(bench);
});

/** All that was read, and all that was written of it. */
const resultOf = (bench: SyncBench): unknown => ({
  facts: bench.query('SELECT * FROM facts ORDER BY trace_id, id'),
  texts: bench.query('SELECT COUNT(*) AS texts FROM messages'),
  scores: bench.query('SELECT * FROM scores ORDER BY id'),
  quarantine: bench.query('SELECT * FROM quarantine'),
  runs: toComparableRuns(readLocalRuns(bench.folder)),
});

const toCut = (bytes: number, share: number): number =>
  share === -1 ? bytes - 1 : Math.floor(share * bytes);

describe.each(framings)('%s', (framing) => {
  let bench: SyncBench;
  let proxy: FramingProxy;
  const env = () => ({ LANGFUSE_BASE_URL: proxy.url });

  beforeEach(async () => {
    bench = await openSyncBench({ traffic, nowMs: tinyNightMs });
    proxy = await startFramingProxy(bench.server.url);
    proxy.framing = framing;
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  });

  it('whole answers are read', async () => {
    expect(await bench.sync({ env: env() })).toMatchObject({ failed: [] });
    expect(resultOf(bench)).toEqual(undisturbed);
  });

  it.each(shares)('every answer cut once, at %d of it', async (share) => {
    const seen = new Set<string>();
    proxy.cut = (target, bytes) => {
      if (seen.has(target)) return null;
      seen.add(target);
      return toCut(bytes, share);
    };
    const summary = await bench.sync({ env: env() });
    expect(summary.failed).toEqual([]);
    expect(summary.langfuse.retries).toBe(seen.size);
    expect(resultOf(bench)).toEqual(undisturbed);
  });

  it('a list that stays short leaves its day, and the watermark before it', async () => {
    proxy.cut = (target, bytes) => {
      const query = new URLSearchParams(target.split('?')[1]);
      const isSecondDay = (query.get('fromStartTime') ?? '').startsWith(secondDay);
      return target.includes('/v2/observations') && isSecondDay ? bytes - 1 : null;
    };
    const summary = await bench.sync({ env: env() });
    expect(summary.failed.map(({ window }) => window.fromMs)).toEqual([traffic.startMs + dayMs]);
    expect(summary.failed[0]?.error.code).toMatch(/^LANGFUSE_(UNREACHABLE|TOO_LARGE)$/);
    expect(summary.watermarkMs).toBe(traffic.startMs + dayMs);
    const late = 'SELECT COUNT(*) AS count FROM facts WHERE window_from_ms > ?';
    expect(bench.query(late, traffic.startMs)).toEqual([{ count: 0 }]);
    proxy.cut = () => null;
    expect(await bench.sync({ env: env() })).toMatchObject({ failed: [] });
    expect(resultOf(bench)).toEqual(undisturbed);
  });
});
