import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toCreateRunBody, toLogBatchBodies, toUpdateRunBody } from '../../src/mlflow/bodies.ts';
import type { LogBatch, RunStatus } from '../../src/sync/ports.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const anyRecord = fc.dictionary(anyText, anyText, { maxKeys: 12, noNullPrototype: true });
const anyMetric = fc.record({
  key: anyText,
  value: fc.oneof(fc.double({ noDefaultInfinity: true }), fc.integer(), fc.constant(-0)),
  step: fc.oneof(fc.integer(), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
  timestampMs: fc.oneof(fc.nat(), fc.double({ min: 0, max: 4e12, noNaN: true })),
});

/** Fails on anything that MLflow answers 200 to and does not keep. */
function expectKept(body: object): void {
  const wire = JSON.parse(JSON.stringify(body)) as {
    metrics?: { key: unknown; value: unknown; timestamp: unknown; step: unknown }[];
    params?: Record<string, unknown>[];
    tags?: Record<string, unknown>[];
    start_time?: unknown;
    end_time?: unknown;
  };
  for (const time of [wire.start_time, wire.end_time]) {
    expect(time === undefined || (Number.isSafeInteger(time) && Number(time) >= 0)).toBe(true);
  }
  for (const { key, value, timestamp, step } of wire.metrics ?? []) {
    expect(typeof key).toBe('string');
    expect(value === 'NaN' || Number.isFinite(value)).toBe(true);
    expect(Number.isSafeInteger(timestamp) && Number(timestamp) >= 0).toBe(true);
    expect(Number.isSafeInteger(step)).toBe(true);
  }
  for (const { key, value } of [...(wire.params ?? []), ...(wire.tags ?? [])]) {
    expect(typeof key).toBe('string');
    expect(typeof value).toBe('string');
    expect(String(key).isWellFormed() && String(value).isWellFormed()).toBe(true);
    expect(String(value)).not.toContain('\0');
  }
}

describe('toLogBatchBodies', () => {
  test('holds nothing that MLflow would drop in silence', () => {
    fc.assert(
      fc.property(
        fc.array(anyMetric, { maxLength: 30 }),
        anyRecord,
        anyRecord,
        (metrics, params, tags) => {
          const bodies = toLogBatchBodies({ runId: 'r', metrics, params, tags });
          for (const body of bodies) expectKept(body);
          const isEmpty = metrics.length + Object.keys({ ...params, ...tags }).length === 0;
          expect(bodies.length === 0).toBe(isEmpty);
        },
      ),
    );
  });

  test('no call is over a limit, and together they hold everything once, params first and tags last', () => {
    const long = fc.constantFrom('x', 'x'.repeat(6000), '\u0001'.repeat(6000), '😀'.repeat(5000));
    const counts = { metrics: fc.nat(3500), params: fc.nat(350), tags: fc.nat(350), text: long };
    fc.assert(
      fc.property(fc.record(counts), ({ metrics, params, tags, text }) => {
        const pairs = (count: number, prefix: string): Record<string, string> =>
          Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, text]));
        const batch: LogBatch = {
          runId: 'r',
          metrics: Array.from({ length: metrics }, (_, i) => ({
            key: `m${i}`,
            value: i,
            step: i,
            timestampMs: i,
          })),
          params: pairs(params, 'p'),
          tags: pairs(tags, 't'),
        };
        const bodies = toLogBatchBodies(batch);
        for (const body of bodies) {
          const sizes = [
            body.metrics?.length ?? 0,
            body.params?.length ?? 0,
            body.tags?.length ?? 0,
          ] as const;
          expect(sizes[0]).toBeLessThanOrEqual(1000);
          expect(sizes[1]).toBeLessThanOrEqual(100);
          expect(sizes[2]).toBeLessThanOrEqual(100);
          expect(sizes[0] + sizes[1] + sizes[2]).toBeLessThanOrEqual(1000);
          expect(sizes[0] + sizes[1] + sizes[2]).toBeGreaterThan(0);
          expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(1_000_000);
        }
        const order = bodies.flatMap((body) => [
          ...(body.params ?? []).map(() => 'p'),
          ...(body.metrics ?? []).map(() => 'm'),
          ...(body.tags ?? []).map(() => 't'),
        ]);
        expect(order.join('')).toBe(
          `${'p'.repeat(params)}${'m'.repeat(metrics)}${'t'.repeat(tags)}`,
        );
        expect(bodies.flatMap((body) => body.metrics ?? []).map(({ key }) => key)).toEqual(
          batch.metrics.map(({ key }) => key),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('a small batch is one call', () => {
    const bodies = toLogBatchBodies({
      runId: 'r1',
      metrics: [{ key: 'm', value: Number.NaN, step: 2, timestampMs: 3 }],
      params: { p: 'v' },
      tags: { t: 'w' },
    });
    expect(bodies).toEqual([
      {
        run_id: 'r1',
        metrics: [{ key: 'm', value: 'NaN', step: 2, timestamp: 3 }],
        params: [{ key: 'p', value: 'v' }],
        tags: [{ key: 't', value: 'w' }],
      },
    ]);
  });

  test('an empty batch is no call', () => {
    expect(toLogBatchBodies({ runId: 'r', metrics: [], params: {}, tags: {} })).toEqual([]);
  });

  test('two names that become one key are sent once: MLflow refuses a call with the same param twice', () => {
    const [body] = toLogBatchBodies({
      runId: 'r',
      metrics: [],
      params: { 'e\u0301': '1', é: '2' },
      tags: {},
    });
    expect(body?.params).toEqual([{ key: 'é', value: '2' }]);
  });
});

describe('toCreateRunBody', () => {
  const run = { experimentId: '7', name: 'a run', startMs: 1_700_000_000_000.9 };

  test('holds nothing that MLflow would drop in silence', () => {
    fc.assert(
      fc.property(anyRecord, anyText, (tags, name) => {
        const { body } = toCreateRunBody({ ...run, name, tags });
        expectKept(body);
        expect(body.run_name).not.toBe('');
      }),
    );
  });

  test('puts the tags that a run is found by first, and what does not fit aside', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`a${i}`, 'v']));
    const tags = { ...many, 'mlflow.user': 'u', 'langfuse_mlflow.key': 'k' };
    const { body, remainingTags } = toCreateRunBody({ ...run, tags });
    expect(body).toMatchObject({
      experiment_id: '7',
      run_name: 'a run',
      start_time: 1_700_000_000_000,
    });
    expect(body.tags).toHaveLength(100);
    expect(body.tags.slice(0, 2).map(({ key }) => key)).toEqual([
      'langfuse_mlflow.key',
      'mlflow.user',
    ]);
    expect(remainingTags).toHaveLength(52);
  });

  test('leaves the name to MLflow, which refuses a tag that says otherwise', () => {
    const { body } = toCreateRunBody({ ...run, tags: { 'mlflow.runName': 'other' } });
    expect(body.tags).toEqual([]);
  });
});

describe('toUpdateRunBody', () => {
  test('sends what is given, as integers and known words', () => {
    expect(toUpdateRunBody({ runId: 'r', status: 'FINISHED', endMs: 5.7, name: 'n' })).toEqual({
      run_id: 'r',
      status: 'FINISHED',
      end_time: 5,
      run_name: 'n',
    });
    expect(toUpdateRunBody({ runId: 'r', status: 'RUNNING' })).toEqual({
      run_id: 'r',
      status: 'RUNNING',
    });
  });

  test('refuses a status that MLflow would ignore', () => {
    expect(() => toUpdateRunBody({ runId: 'r', status: 'finished' as RunStatus })).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });
});
