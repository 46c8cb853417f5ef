/** What every Target must do with keys, deletion, artifacts and batches; run by mlflow-contract.test.ts. */
import { expect, test } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import {
  aKey,
  anExperimentName,
  collect,
  createContractHelpers,
  noParams,
  noTags,
  startMs,
  type ContractSubject,
} from './mlflow-contract-subject.ts';

/** Declares the tests about finding, removing and filling runs; call it inside `describe`. */
export function declareSearchContract(subject: ContractSubject): void {
  const { aRun, readBack } = createContractHelpers(subject);

  test('tags of an experiment are set, set again and read back', async () => {
    const target = subject.target();
    const name = anExperimentName();
    const { experimentId, tags } = await target.ensureExperiment(name);
    expect(tags).toEqual({});
    const note = "**bold** \n| it's | `a`.`b` |\n";
    await target.setExperimentTag({ experimentId, key: 'mlflow.note.content', value: 'before' });
    await target.setExperimentTag({ experimentId, key: 'mlflow.note.content', value: note });
    await target.setExperimentTag({ experimentId, key: 'langfuse_mlflow.note', value: 'a' });
    expect((await target.findExperiment(name))?.tags).toEqual({
      'mlflow.note.content': note,
      'langfuse_mlflow.note': 'a',
    });
  });

  test('runs are found by their keys, in their experiment alone', async () => {
    const { target, experimentId, key, run } = await aRun();
    const other = await aRun({ key });
    const second = await target.createRun({
      experimentId,
      name: 'two',
      startMs,
      tags: { 'langfuse_mlflow.key': aKey('two') },
    });
    const found = await target.findRunsByKey(experimentId, [key, aKey('absent')]);
    expect(found.map(({ runId }) => runId)).toEqual([run.runId]);
    expect(found[0]).toEqual(await readBack(run.runId));
    const both = await target.findRunsByKey(experimentId, [key, aKey('two'), key]);
    expect(both.map(({ runId }) => runId).toSorted()).toEqual([run.runId, second.runId].toSorted());
    expect(other.run.runId).not.toBe(run.runId);
    expect(await target.findRunsByKey(experimentId, [])).toEqual([]);
    expect(await target.findRunsByKey('987654321', [key])).toEqual([]);
  });

  test('a key with quotes is found too', async () => {
    for (const key of [`it's`, `say "x"`, `it's "x"`]) {
      const { target, experimentId, run } = await aRun({ key });
      const found = await target.findRunsByKey(experimentId, [key, aKey('absent')]);
      expect(found.map(({ runId }) => runId)).toEqual([run.runId]);
    }
  });

  test('many keys are found as surely as one, and listing shows each run once', async () => {
    const target = subject.target();
    const { experimentId } = await target.ensureExperiment(anExperimentName());
    const keys = Array.from({ length: 60 }, (_, i) => aKey(`many ${i}`));
    const runIds = await target.batched(async () => {
      const ids: string[] = [];
      for (const [i, key] of keys.entries()) {
        const run = await target.createRun({
          experimentId,
          name: `run ${i}`,
          startMs: startMs + i,
          tags: { 'langfuse_mlflow.key': key },
        });
        ids.push(run.runId);
      }
      await target.createRun({ experimentId, name: 'of someone else', startMs, tags: {} });
      return ids;
    });
    const found = await target.findRunsByKey(experimentId, [...keys, aKey('absent')]);
    expect(found.map(({ runId }) => runId).toSorted()).toEqual(runIds.toSorted());
    const listed = await collect(target.listRuns(experimentId));
    expect(listed.map(({ runId }) => runId).toSorted()).toEqual(runIds.toSorted());
  });

  test('a deleted run is gone', async () => {
    const { target, experimentId, key, run } = await aRun();
    await target.deleteRun(run.runId);
    expect(await target.getRun(run.runId)).toBeNull();
    expect(await target.findRunsByKey(experimentId, [key])).toEqual([]);
    expect(await collect(target.listRuns(experimentId))).toEqual([]);
    await expect(
      target.logBatch({ runId: run.runId, params: noParams, metrics: [], tags: { t: '1' } }),
    ).rejects.toMatchObject({ code: 'MLFLOW_REJECTED' });
    const again = await target.createRun({
      experimentId,
      name: 'again',
      startMs,
      tags: { 'langfuse_mlflow.key': key },
    });
    expect((await target.findRunsByKey(experimentId, [key])).map(({ runId }) => runId)).toEqual([
      again.runId,
    ]);
  });

  test('a run that is not there', async () => {
    const target = subject.target();
    const runId = aKey('nowhere');
    expect(await target.getRun(runId)).toBeNull();
    const refused = { code: 'MLFLOW_REJECTED' };
    await expect(target.updateRun({ runId, status: 'FINISHED' })).rejects.toMatchObject(refused);
    await expect(target.deleteRun(runId)).rejects.toMatchObject(refused);
    await expect(
      target.createRun({ experimentId: '987654321', name: 'x', startMs, tags: {} }),
    ).rejects.toMatchObject(refused);
  });

  test('artifacts are written, with folders, and overwritten', async () => {
    const { target, run } = await aRun();
    const body = Buffer.from(JSON.stringify({ columns: ['a'], data: [['ü 日本']] }));
    const contentType = 'application/json';
    await target.putArtifact({ run, path: 'requests.json', body, contentType });
    await target.putArtifact({
      run,
      path: 'sessions/a b/ü & (1).md',
      body: Buffer.from('# hi'),
      contentType: 'text/markdown',
    });
    await target.putArtifact({
      run,
      path: 'empty.txt',
      body: Buffer.alloc(0),
      contentType: 'text/plain',
    });
    expect(await subject.readArtifact(run, 'requests.json')).toEqual(body);
    expect((await subject.readArtifact(run, 'sessions/a b/ü & (1).md')).toString()).toBe('# hi');
    expect(await subject.readArtifact(run, 'empty.txt')).toHaveLength(0);
    await target.putArtifact({ run, path: 'requests.json', body: Buffer.from('{}'), contentType });
    expect((await subject.readArtifact(run, 'requests.json')).toString()).toBe('{}');
  });

  test('artifacts are read back byte by byte, and one that is not there is null', async () => {
    const { target, run } = await aRun();
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0, 0xff, 0xfe, 0x80, 10, 13]);
    for (const path of ['bytes.bin', 'sessions/a b/ü & (1).md', 'empty.txt']) {
      const body = path === 'empty.txt' ? Buffer.alloc(0) : bytes;
      await target.putArtifact({ run, path, body, contentType: 'application/octet-stream' });
      const found = await target.getArtifact({ run, path });
      expect(found === null ? null : Buffer.from(found)).toEqual(body);
    }
    for (const path of ['absent.txt', 'sessions/absent.md', 'nowhere/absent.md']) {
      expect(await target.getArtifact({ run, path })).toBeNull();
    }
    const elsewhere = { ...run, artifactUri: 'gs://bucket/x' };
    await expect(target.getArtifact({ run: elsewhere, path: 'bytes.bin' })).rejects.toMatchObject({
      code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
    });
    await expect(target.getArtifact({ run, path: '../x' })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });

  test.each(['', '/etc/passwd', '../x', 'a/../b', 'a//b', './a', 'a#b', 'a%2e', 'a\\b', 'a\nb'])(
    'an artifact path that MLflow refuses is not tried: %j',
    async (path) => {
      const { target, run } = await aRun();
      const writes = target.traffic.writes;
      await expect(
        target.putArtifact({ run, path, body: Buffer.from('x'), contentType: 'text/plain' }),
      ).rejects.toMatchObject({ code: 'INTERNAL' });
      expect(target.traffic.writes).toBe(writes);
    },
  );

  test('artifacts of a place that cannot be reached are refused by its name', async () => {
    const { target, run } = await aRun();
    const inS3 = subject.reachesS3 === true ? [] : ['s3://bucket/1/artifacts'];
    for (const artifactUri of [...inS3, 'gs://bucket/x', 'dbfs:/x']) {
      await expect(
        target.putArtifact({
          run: { ...run, artifactUri },
          path: 'a.txt',
          body: Buffer.from('x'),
          contentType: 'text/plain',
        }),
      ).rejects.toMatchObject({
        code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
        message: expect.stringContaining(artifactUri.slice(0, artifactUri.indexOf(':'))),
      });
    }
  });

  test('every write is counted and no read is', async () => {
    const { target, experimentId, key, run } = await aRun();
    const before = target.traffic.writes;
    await target.getRun(run.runId);
    await target.findRunsByKey(experimentId, [key]);
    await collect(target.listRuns(experimentId));
    await target.findExperiment('absent');
    await target.logBatch({ runId: run.runId, params: noParams, metrics: [], tags: noTags });
    expect(target.traffic.writes).toBe(before);
    await target.logBatch({ runId: run.runId, params: noParams, metrics: [], tags: { a: '1' } });
    await target.updateRun({ runId: run.runId, status: 'FINISHED' });
    await target.putArtifact({
      run,
      path: 'a.txt',
      body: Buffer.from('x'),
      contentType: 'text/plain',
    });
    await target.deleteRun(run.runId);
    expect(target.traffic.writes).toBe(before + 4);
    expect(target.traffic.requests).toBeGreaterThan(target.traffic.writes);
  });

  test('a batch gives back what its work gives, and its error', async () => {
    const target = subject.target();
    expect(await target.batched(() => target.batched(() => Promise.resolve(7)))).toBe(7);
    const error = new AppError('INTERNAL', 'of the work');
    await expect(target.batched(() => Promise.reject(error))).rejects.toBe(error);
  });
}
