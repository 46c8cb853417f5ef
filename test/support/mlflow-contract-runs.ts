/** What every Target must do with experiments and the numbers of a run; run by mlflow-contract.test.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  anExperimentName,
  createContractHelpers,
  noParams,
  noTags,
  startMs,
  type ContractSubject,
} from './mlflow-contract-subject.ts';

/** Declares the tests about one run; call it inside `describe`. */
export function declareRunContract(subject: ContractSubject): void {
  const { aRun, readBack } = createContractHelpers(subject);

  test('an experiment is created once and found again', async () => {
    const target = subject.target();
    const name = anExperimentName();
    expect(await target.findExperiment(name)).toBeNull();
    const created = await target.ensureExperiment(name);
    const writes = target.traffic.writes;
    expect(await target.ensureExperiment(name)).toEqual(created);
    expect(await target.findExperiment(name)).toEqual(created);
    expect(target.traffic.writes).toBe(writes);
    expect(created).toMatchObject({ name, experimentId: expect.stringMatching(/^\d+$/) });
    expect(created.artifactLocation).not.toBe('');
  });

  test('an experiment is created once by callers at the same time', async () => {
    const name = anExperimentName();
    const target = subject.target();
    const found = await Promise.all([1, 2, 3, 4].map(() => target.ensureExperiment(name)));
    expect(new Set(found.map(({ experimentId }) => experimentId)).size).toBe(1);
  });

  test('names with quotes, slashes and other scripts are kept', async () => {
    const name = `it's "x"/ü 日本 & 50% ${randomUUID()}`;
    const created = await subject.target().ensureExperiment(name);
    expect(await subject.target().findExperiment(name)).toEqual(created);
  });

  test('an experiment name that no MLflow can hold is refused', async () => {
    await expect(subject.target().ensureExperiment('x'.repeat(257))).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
    await expect(subject.target().ensureExperiment(' ')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
  });

  test('a run comes back as it was written', async () => {
    const { target, run, key } = await aRun({
      name: 'gpt-4o 2026-11-24',
      tags: { 'mlflow.user': 'worker', empty: '' },
    });
    await target.logBatch({
      runId: run.runId,
      params: { model: 'gpt-4o', empty: '' },
      metrics: [
        { key: 'cost_usd', value: 0.1 + 0.2, step: 1, timestampMs: startMs },
        { key: 'latency_ms/p95', value: 1234.5, step: 1, timestampMs: startMs },
        { key: 'zero', value: 0, step: 0, timestampMs: startMs },
        { key: 'huge', value: 9007199254740991, step: 0, timestampMs: startMs },
      ],
      tags: { 'langfuse_mlflow.complete': 'true' },
    });
    await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: startMs + 86_400_000 });
    expect(await readBack(run.runId)).toEqual({
      runId: run.runId,
      artifactUri: run.artifactUri,
      name: 'gpt-4o 2026-11-24',
      status: 'FINISHED',
      startMs,
      endMs: startMs + 86_400_000,
      tags: {
        'langfuse_mlflow.key': key,
        'langfuse_mlflow.complete': 'true',
        'mlflow.runName': 'gpt-4o 2026-11-24',
        'mlflow.user': 'worker',
        empty: '',
      },
      params: { model: 'gpt-4o', empty: '' },
      metrics: { cost_usd: 0.1 + 0.2, 'latency_ms/p95': 1234.5, zero: 0, huge: 9007199254740991 },
    });
  });

  test('a run without an end is running', async () => {
    const { run } = await aRun();
    expect(await readBack(run.runId)).toMatchObject({
      status: 'RUNNING',
      endMs: null,
      startMs,
      metrics: {},
      params: {},
    });
  });

  test('what MLflow would drop in silence arrives cleaned', async () => {
    const { target, run } = await aRun({ tags: { bad: 'a\0b\uD800c', 'bad key!': 'x' } });
    await target.logBatch({
      runId: run.runId,
      params: { long: '😀'.repeat(6001), nul: '\0' },
      metrics: [{ key: 'score: correct?', value: 1, step: 0, timestampMs: startMs }],
      tags: { long: 'ü'.repeat(5001) },
    });
    const stored = await readBack(run.runId);
    expect(stored.tags.bad).toBe('ab\uFFFDc');
    expect(stored.params.nul).toBe('');
    expect(stored.params.long).toHaveLength(2 * 5999 + 1);
    expect(stored.params.long).toMatch(/^😀+…$/u);
    expect(stored.tags.long).toBe(`${'ü'.repeat(4999)}…`);
    expect(Object.keys(stored.metrics)).toEqual([
      expect.stringMatching(/^score_ correct__[0-9a-f]{8}$/),
    ]);
    expect(Object.keys(stored.tags)).toContainEqual(
      expect.stringMatching(/^bad key__[0-9a-f]{8}$/),
    );
  });

  test('more than one call can hold is written whole', async () => {
    const tags = Object.fromEntries(
      Array.from({ length: 250 }, (_, i) => [`tag-${i}`, `value ${i}`]),
    );
    const { target, run } = await aRun({ tags });
    const params = Object.fromEntries(
      Array.from({ length: 230 }, (_, i) => [`param-${i}`, '😀'.repeat(i < 120 ? 6000 : 1)]),
    );
    const metrics = Array.from({ length: 2300 }, (_, i) => ({
      key: `metric-${i}`,
      value: i / 3,
      step: 0,
      timestampMs: startMs,
    }));
    const moreTags = Object.fromEntries(
      Array.from({ length: 130 }, (_, i) => [`more-${i}`, String(i)]),
    );
    await target.logBatch({ runId: run.runId, params, metrics, tags: moreTags });
    const stored = await readBack(run.runId);
    expect(stored.params).toEqual(params);
    expect(stored.metrics).toEqual(
      Object.fromEntries(metrics.map(({ key, value }) => [key, value])),
    );
    expect(stored.tags).toMatchObject({ ...tags, ...moreTags });
  });

  test('the latest value is that of the newest step, however it was written', async () => {
    const { target, run } = await aRun();
    const point = (value: number, step: number, timestampMs = startMs) => ({
      key: 'cost_usd',
      value,
      step,
      timestampMs,
    });
    await target.logBatch({
      runId: run.runId,
      params: noParams,
      tags: noTags,
      metrics: [point(5, 2), point(9, 1)],
    });
    expect((await readBack(run.runId)).metrics.cost_usd).toBe(5);
    await target.logBatch({
      runId: run.runId,
      params: noParams,
      tags: noTags,
      metrics: [point(100, 1)],
    });
    expect((await readBack(run.runId)).metrics.cost_usd).toBe(5);
    await target.logBatch({
      runId: run.runId,
      params: noParams,
      tags: noTags,
      metrics: [point(1, 3)],
    });
    expect((await readBack(run.runId)).metrics.cost_usd).toBe(1);
    await target.logBatch({
      runId: run.runId,
      params: noParams,
      tags: noTags,
      metrics: [point(-1, 3, startMs + 1)],
    });
    expect((await readBack(run.runId)).metrics.cost_usd).toBe(-1);
  });

  test('NaN retracts a value, and a newer step gives it back', async () => {
    const { target, run } = await aRun();
    const log = (value: number, step: number) =>
      target.logBatch({
        runId: run.runId,
        params: noParams,
        tags: noTags,
        metrics: [{ key: 'm', value, step, timestampMs: startMs }],
      });
    await log(5, 0);
    await log(Number.NaN, 1);
    expect((await readBack(run.runId)).metrics.m).toBeNaN();
    await log(Number.NaN, 1);
    await log(7, 2);
    expect((await readBack(run.runId)).metrics.m).toBe(7);
  });

  test('every point of a metric comes back in order, retracted ones as NaN', async () => {
    const { target, run } = await aRun();
    const point = (value: number, step: number, timestampMs: number) => ({
      key: 'score: a?',
      value,
      step,
      timestampMs,
    });
    const points = [point(1.5, 7, startMs + 2), point(Number.NaN, 7, startMs + 3), point(0, 3, 5)];
    await target.logBatch({ runId: run.runId, params: noParams, tags: noTags, metrics: points });
    expect(await target.metricHistory(run.runId, 'score: a?')).toEqual([
      { value: 0, step: 3, timestampMs: 5 },
      { value: 1.5, step: 7, timestampMs: startMs + 2 },
      { value: Number.NaN, step: 7, timestampMs: startMs + 3 },
    ]);
    expect(await target.metricHistory(run.runId, 'absent')).toEqual([]);
  });

  test('a long history comes back whole', async () => {
    const { target, run } = await aRun();
    const metrics = Array.from({ length: 1500 }, (_, step) => ({
      key: 'm',
      value: step / 7,
      step,
      timestampMs: startMs,
    }));
    await target.logBatch({ runId: run.runId, params: noParams, tags: noTags, metrics });
    expect(await target.metricHistory(run.runId, 'm')).toEqual(
      metrics.map(({ value, step, timestampMs }) => ({ value, step, timestampMs })),
    );
  });

  test('the stored form of values is what comes back', async () => {
    const target = subject.target();
    const { experimentId } = await target.ensureExperiment(anExperimentName());
    const written = {
      name: `n\0${'😀'.repeat(300)}`,
      tags: { 'bad key!': 'a\0b\uD800c', long: 'ü'.repeat(5001), empty: '' },
      params: { long: '😀'.repeat(6001), 'a:b': '1' },
      metrics: { 'score/it is: right?/mean': 0.1 + 0.2, zero: -0, gone: Number.NaN },
    };
    const run = await target.createRun({
      experimentId,
      name: written.name,
      startMs,
      tags: written.tags,
    });
    await target.logBatch({
      runId: run.runId,
      params: written.params,
      tags: noTags,
      metrics: Object.entries(written.metrics).map(([key, value]) => ({
        key,
        value,
        step: 0,
        timestampMs: startMs,
      })),
    });
    const stored = target.toStoredForm(written);
    const found = await readBack(run.runId);
    expect(found).toMatchObject({
      name: stored.name,
      params: stored.params,
      metrics: stored.metrics,
    });
    expect(found.tags).toMatchObject(stored.tags);
    expect(target.toStoredForm(stored)).toEqual(stored);
  });

  test('an infinite value is refused and nothing of the batch is written', async () => {
    const { target, run } = await aRun();
    await expect(
      target.logBatch({
        runId: run.runId,
        params: { p: '1' },
        metrics: [{ key: 'm', value: Infinity, step: 0, timestampMs: startMs }],
        tags: { t: '1' },
      }),
    ).rejects.toMatchObject({ code: 'INTERNAL' });
    const stored = await readBack(run.runId);
    expect(stored.params).toEqual({});
    expect(stored.tags.t).toBeUndefined();
  });

  test('a repeated batch changes nothing', async () => {
    const { target, run } = await aRun();
    const batch = {
      runId: run.runId,
      params: { model: 'x' },
      metrics: [1, 2, 3].map((step) => ({
        key: 'm',
        value: step / 3,
        step,
        timestampMs: startMs + step,
      })),
      tags: { t: 'v' },
    };
    await target.logBatch(batch);
    const once = await readBack(run.runId);
    await target.logBatch(batch);
    expect(await readBack(run.runId)).toEqual(once);
    expect(await subject.countPoints(run.runId, 'm')).toBe(3);
  });

  test('a repeated batch of many keys with new points among them is written', async () => {
    const { target, run } = await aRun();
    const batch = (count: number) => ({
      runId: run.runId,
      params: noParams,
      tags: noTags,
      metrics: Array.from({ length: count }, (_, i) => ({
        key: `m${i}`,
        value: i % 7 === 0 ? Number.NaN : i,
        step: 0,
        timestampMs: startMs,
      })),
    });
    await target.logBatch(batch(250));
    await target.logBatch(batch(300));
    const { metrics } = await readBack(run.runId);
    expect(Object.keys(metrics)).toHaveLength(300);
    expect(metrics.m7).toBeNaN();
    expect(metrics.m299).toBe(299);
    expect(await subject.countPoints(run.runId, 'm7')).toBe(1);
    expect(await subject.countPoints(run.runId, 'm8')).toBe(1);
  });

  test('an older point that is sent again, with newer ones there already, changes nothing', async () => {
    const { target, run } = await aRun();
    const point = (value: number, step: number) => ({
      key: 'm',
      value,
      step,
      timestampMs: startMs,
    });
    const log = (...metrics: ReturnType<typeof point>[]) =>
      target.logBatch({ runId: run.runId, params: noParams, tags: noTags, metrics });
    await log(point(Number.NaN, 1));
    await log(point(5, 2));
    await log(point(Number.NaN, 1), point(7, 0));
    expect((await readBack(run.runId)).metrics.m).toBe(5);
    expect(await subject.countPoints(run.runId, 'm')).toBe(3);
  });

  test('points of the same key, time and step in one call end as the last one', async () => {
    const { target, run } = await aRun();
    const metrics = [9, 4].map((value) => ({ key: 'm', value, step: 0, timestampMs: startMs }));
    await target.logBatch({ runId: run.runId, params: noParams, tags: noTags, metrics });
    expect((await readBack(run.runId)).metrics.m).toBe(4);
  });

  test('a param is written once: the same value passes, another one is named', async () => {
    const { target, run } = await aRun();
    await target.logBatch({
      runId: run.runId,
      params: { model: 'a', source: 's' },
      metrics: [],
      tags: noTags,
    });
    await target.logBatch({
      runId: run.runId,
      params: { model: 'a', window: 'w' },
      metrics: [],
      tags: { t: '1' },
    });
    expect(await readBack(run.runId)).toMatchObject({
      params: { model: 'a', source: 's', window: 'w' },
    });
    const change = target.logBatch({
      runId: run.runId,
      params: { model: 'b', later: 'x' },
      metrics: [{ key: 'm', value: 1, step: 0, timestampMs: startMs }],
      tags: { t: '2' },
    });
    await expect(change).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      message: expect.stringContaining('model is "a" and would become "b"'),
    });
    const stored = await readBack(run.runId);
    expect(stored.params).toEqual({ model: 'a', source: 's', window: 'w' });
    expect(stored.metrics).toEqual({});
    expect(stored.tags.t).toBe('1');
  });

  test('a param too long to store is still the same param', async () => {
    const { target, run } = await aRun();
    const params = { long: 'x'.repeat(7000) };
    await target.logBatch({ runId: run.runId, params, metrics: [], tags: noTags });
    await target.logBatch({ runId: run.runId, params, metrics: [], tags: noTags });
    expect((await readBack(run.runId)).params.long).toHaveLength(6000);
  });

  test('tags are overwritten, and a finished run still takes numbers', async () => {
    const { target, run } = await aRun({ tags: { t: 'old' } });
    await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: startMs + 1 });
    await target.logBatch({
      runId: run.runId,
      params: noParams,
      metrics: [{ key: 'm', value: 2, step: 1, timestampMs: startMs }],
      tags: { t: 'new' },
    });
    await target.updateRun({
      runId: run.runId,
      status: 'FINISHED',
      endMs: startMs + 2,
      name: 'renamed',
    });
    expect(await readBack(run.runId)).toMatchObject({
      name: 'renamed',
      endMs: startMs + 2,
      tags: { t: 'new', 'mlflow.runName': 'renamed' },
      metrics: { m: 2 },
    });
  });

  test('a name that MLflow would refuse is cut, and one given as a tag is no conflict', async () => {
    const { run } = await aRun({ name: 'n'.repeat(300), tags: { 'mlflow.runName': 'another' } });
    expect((await readBack(run.runId)).name).toBe(`${'n'.repeat(249)}…`);
  });
}
