import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { aKey, collect } from '../support/mlflow-contract-subject.ts';
import { aRun, useStoreFolder } from '../support/mlflow-store-folder.ts';

const store = useStoreFolder();

describe('finding by key', () => {
  test('sees what another program wrote or deleted meanwhile, and nothing that was rolled back', async () => {
    const [mine, other] = [await store().open(), await store().open()];
    const { experimentId } = await mine.ensureExperiment('e');
    const find = async (...names: string[]) => {
      const found = await mine.findRunsByKey(experimentId, names.map(aKey));
      return found.map(({ name }) => name).toSorted();
    };
    expect(await find('a', 'b')).toEqual([]);
    await mine.createRun(aRun(experimentId, 'a'));
    expect(await find('a', 'b')).toEqual(['a']);
    const theirs = await other.createRun(aRun(experimentId, 'b'));
    expect(await find('a', 'b')).toEqual(['a', 'b']);
    await other.deleteRun(theirs.runId);
    expect(await find('a', 'b')).toEqual(['a']);
    const failed = mine.batched(async () => {
      await mine.createRun(aRun(experimentId, 'c'));
      throw new Error('of the work');
    });
    await expect(failed).rejects.toThrow('of the work');
    expect(await find('c')).toEqual([]);
  });

  test('finds every run of a key, also one that MLflow was given by hand', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    await target.createRun(aRun(experimentId, 'a'));
    store().withDatabase((db) => {
      db.exec(`INSERT INTO runs (run_uuid, name, status, lifecycle_stage, artifact_uri, experiment_id)
        VALUES ('byhand', 'by hand', 'RUNNING', 'active', 'x', ${experimentId})`);
      db.exec(
        `INSERT INTO tags (key, value, run_uuid) VALUES ('langfuse_mlflow.key', '${aKey('a')}', 'byhand')`,
      );
    });
    expect(await target.findRunsByKey(experimentId, [aKey('a')])).toHaveLength(2);
  });
});

describe('a new store', () => {
  test('is not made by reading', async () => {
    const target = await store().open();
    expect(await target.findExperiment('e')).toBeNull();
    expect(await target.getRun('r')).toBeNull();
    expect(await target.findRunsByKey('1', ['k'])).toEqual([]);
    expect(await collect(target.listRuns('1'))).toEqual([]);
    expect(target.description.version).toBeNull();
    expect(await readdir(store().folder)).toEqual([]);
  });

  test('is made by the first write, with its folder, and as MLflow would: experiment 0 is Default', async () => {
    store().file = join(store().folder, 'deep/er/mlflow.db');
    const target = await store().open();
    const experiment = await target.ensureExperiment('mine');
    expect(experiment).toEqual({
      experimentId: '1',
      name: 'mine',
      artifactLocation: 'mlartifacts/1',
      tags: {},
    });
    expect(target.description.version).toBe('acf3f17fdcc7');
    expect(await target.findExperiment('Default')).toMatchObject({ experimentId: '0' });
    expect(store().withDatabase((db) => db.pragma('journal_mode', { simple: true }))).toBe(
      'delete',
    );
  });

  test('an empty file is filled, as MLflow does', async () => {
    writeFileSync(store().file, '');
    expect((await (await store().open()).ensureExperiment('mine')).experimentId).toBe('1');
  });

  test('two workers that make it at once end with one', async () => {
    const targets = await Promise.all([store().open(), store().open(), store().open()]);
    const ids = await Promise.all(
      targets.map(async (target) => (await target.ensureExperiment('e')).experimentId),
    );
    expect(new Set(ids)).toEqual(new Set(['1']));
  });
});

describe('run ids', () => {
  test('are made from the key, so that two workers cannot make two runs of it', async () => {
    const [one, two] = [await store().open(), await store().open()];
    const { experimentId } = await one.ensureExperiment('e');
    const runs = await Promise.all(
      [one, two].map((target) => target.createRun(aRun(experimentId, 'same'))),
    );
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.runId).toMatch(/^[0-9a-f]{32}$/);
    expect(await collect(one.listRuns(experimentId))).toHaveLength(1);
    expect(runs[0]?.artifactUri).toBe(`mlartifacts/${experimentId}/${runs[0]?.runId}/artifacts`);
  });

  test('differ between experiments and from those of deleted runs', async () => {
    const target = await store().open();
    const [a, b] = [await target.ensureExperiment('a'), await target.ensureExperiment('b')];
    const inA = await target.createRun(aRun(a.experimentId, 'same'));
    const inB = await target.createRun(aRun(b.experimentId, 'same'));
    await target.deleteRun(inA.runId);
    const again = await target.createRun(aRun(a.experimentId, 'same'));
    expect(new Set([inA.runId, inB.runId, again.runId]).size).toBe(3);
  });
});

describe('sharing the file', () => {
  test('a lock of another program is waited for', async () => {
    const target = await store().open({ timeoutMs: 5000 });
    await target.ensureExperiment('e');
    const other = new Database(store().file);
    other.exec('BEGIN IMMEDIATE');
    setTimeout(() => {
      other.exec('COMMIT');
      other.close();
    }, 300);
    await target.ensureExperiment('f');
    expect(target.traffic.retries).toBeGreaterThan(0);
  });

  test('a lock that stays is said', async () => {
    const target = await store().open({ timeoutMs: 300 });
    await target.ensureExperiment('e');
    const other = new Database(store().file);
    other.exec('BEGIN EXCLUSIVE');
    try {
      await expect(target.ensureExperiment('f')).rejects.toMatchObject({
        code: 'MLFLOW_STORE_BUSY',
      });
      await expect(target.findExperiment('e')).rejects.toMatchObject({ code: 'MLFLOW_STORE_BUSY' });
    } finally {
      other.close();
    }
    expect(await target.findExperiment('e')).not.toBeNull();
    expect(await target.findExperiment('f')).toBeNull();
  });

  test('the signal ends a wait', async () => {
    const controller = new AbortController();
    const target = await store().open({ timeoutMs: 60_000, signal: controller.signal });
    await target.ensureExperiment('e');
    const other = new Database(store().file);
    other.exec('BEGIN IMMEDIATE');
    setTimeout(() => controller.abort(), 200);
    try {
      await expect(target.ensureExperiment('f')).rejects.toMatchObject({ code: 'CANCELLED' });
    } finally {
      other.close();
    }
  });

  test('readers see the store as it was until a batch ends, and are never kept out by it', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    const reader = new Database(store().file, { readonly: true, timeout: 0 });
    const seen: unknown[] = [];
    const countRuns = () => reader.prepare('SELECT count(*) FROM runs').pluck().get();
    await target.batched(async () => {
      for (let i = 0; i < 2000; i += 1) {
        const run = await target.createRun(aRun(experimentId, `run ${i}`));
        const metrics = Array.from({ length: 10 }, (_, m) => ({
          key: `m${m}`,
          value: i,
          step: 0,
          timestampMs: 1,
        }));
        await target.logBatch({
          runId: run.runId,
          metrics,
          params: {},
          tags: { t: 'x'.repeat(500) },
        });
        if (i % 400 === 0) seen.push(countRuns());
      }
    });
    expect(seen).toEqual([0, 0, 0, 0, 0]);
    expect(countRuns()).toBe(2000);
    reader.close();
  });

  test('the journal mode that the file has stays', async () => {
    await store().make();
    store().withDatabase((db) => db.pragma('journal_mode = WAL'));
    await (await store().open()).ensureExperiment('f');
    expect(store().withDatabase((db) => db.pragma('journal_mode', { simple: true }))).toBe('wal');
  });

  test('what a crash left half written is rolled back', async () => {
    await store().make();
    const before = readFileSync(store().file);
    // A hot journal, as a process that was killed while it committed leaves it.
    const db = new Database(store().file);
    db.pragma('cache_size = 1');
    db.exec('BEGIN IMMEDIATE');
    db.exec('CREATE TABLE filler (x)');
    const fill = db.prepare('INSERT INTO filler VALUES (?)');
    for (let i = 0; i < 500; i += 1) fill.run('x'.repeat(4000));
    const [half, journal] = [readFileSync(store().file), readFileSync(`${store().file}-journal`)];
    db.exec('ROLLBACK');
    db.close();
    writeFileSync(store().file, half);
    writeFileSync(`${store().file}-journal`, journal);
    expect(half.equals(before)).toBe(false);
    const target = await store().open();
    expect(await target.findExperiment('e')).toMatchObject({ experimentId: '1' });
    await target.ensureExperiment('f');
    expect(store().withDatabase((again) => again.pragma('integrity_check', { simple: true }))).toBe(
      'ok',
    );
  });
});

describe('batches', () => {
  test('commit all or nothing', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    const failed = target.batched(async () => {
      await target.createRun(aRun(experimentId, 'lost'));
      throw new Error('of the work');
    });
    await expect(failed).rejects.toThrow('of the work');
    expect(await collect(target.listRuns(experimentId))).toEqual([]);
    await target.createRun(aRun(experimentId, 'kept'));
    expect(await collect(target.listRuns(experimentId))).toHaveLength(1);
  });

  test('a step that fails and is caught leaves nothing half done in the batch', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    await target.batched(async () => {
      const run = await target.createRun(aRun(experimentId, 'a'));
      await target.logBatch({ runId: run.runId, metrics: [], params: { p: '1' }, tags: {} });
      const bad = target.logBatch({
        runId: run.runId,
        metrics: [],
        params: { a: '1', p: '2' },
        tags: { t: '1' },
      });
      await expect(bad).rejects.toMatchObject({ code: 'MLFLOW_REJECTED' });
    });
    const [run] = await collect(target.listRuns(experimentId));
    expect(run?.params).toEqual({ p: '1' });
    expect(run?.tags.t).toBeUndefined();
  });

  test('writes from outside wait for the batch and are not lost with it', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    let outside: Promise<unknown> = Promise.resolve();
    let startOutside: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      startOutside = resolve;
    });
    const watcher = started.then(() => {
      outside = target.createRun(aRun(experimentId, 'outside'));
      return outside;
    });
    const batch = target.batched(async () => {
      await target.createRun(aRun(experimentId, 'inside'));
      startOutside();
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      throw new Error('of the batch');
    });
    await expect(batch).rejects.toThrow('of the batch');
    await watcher;
    expect((await collect(target.listRuns(experimentId))).map(({ name }) => name)).toEqual([
      'outside',
    ]);
  });

  test('two at once follow each other', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    const batches = ['a', 'b'].map((name) =>
      target.batched(async () => {
        await target.createRun(aRun(experimentId, `${name}1`));
        await target.createRun(aRun(experimentId, `${name}2`));
      }),
    );
    await Promise.all(batches);
    expect(await collect(target.listRuns(experimentId))).toHaveLength(4);
  });

  test(
    'ten thousand runs with twenty metrics are all there after one batch',
    { timeout: 60_000 },
    async () => {
      const target = await store().open();
      const { experimentId } = await target.ensureExperiment('e');
      const metrics = Array.from({ length: 20 }, (_, m) => ({
        key: `metric/${m}`,
        value: m / 7,
        step: 0,
        timestampMs: 1,
      }));
      await target.batched(async () => {
        for (let i = 0; i < 10_000; i += 1) {
          const run = await target.createRun(aRun(experimentId, `run ${i}`));
          await target.logBatch({
            runId: run.runId,
            metrics,
            params: { model: 'm' },
            tags: { complete: 'true' },
          });
          await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: 2 });
        }
      });
      expect(
        store().withDatabase((db) =>
          db.prepare('SELECT count(*) FROM latest_metrics').pluck().get(),
        ),
      ).toBe(200_000);
    },
  );
});

describe('the disk', () => {
  test('a folder that may not be written', async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere; a file in the place of the folder fails for everyone.
      writeFileSync(join(store().folder, 'blocked'), '');
      store().file = join(store().folder, 'blocked/mlflow.db');
    } else {
      await chmod(store().folder, 0o500);
    }
    await expect(
      store()
        .open()
        .then((target) => target.ensureExperiment('e')),
    ).rejects.toMatchObject({
      code: 'MLFLOW_STORE_DISK',
    });
    await chmod(store().folder, 0o700);
  });

  test('what a killed worker left unfinished is gone when the artifact is put again', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    const run = await target.createRun(aRun(experimentId, 'a'));
    const artifact = { run, path: 'a.txt', body: Buffer.from('hi'), contentType: 'text/plain' };
    await target.putArtifact(artifact);
    const folder = join(store().folder, run.artifactUri);
    writeFileSync(join(folder, '.a.txt.part'), 'h');
    await target.putArtifact(artifact);
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  test('an artifact is whole or absent, and leaves no other file', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    const run = await target.createRun(aRun(experimentId, 'a'));
    const artifact = { run, path: 'x/a.txt', body: Buffer.from('hi'), contentType: 'text/plain' };
    await target.putArtifact(artifact);
    expect(await readdir(join(store().folder, run.artifactUri, 'x'))).toEqual(['a.txt']);
    await expect(target.putArtifact({ ...artifact, path: 'x/a.txt/below' })).rejects.toMatchObject({
      code: 'MLFLOW_STORE_DISK',
    });
    expect(existsSync(join(store().folder, run.artifactUri, 'x/a.txt'))).toBe(true);
  });
});

test('a deleted experiment is not written to', async () => {
  await store().make();
  store().withDatabase((db) =>
    db.exec("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'e'"),
  );
  const target = await store().open();
  expect(await target.findExperiment('e')).toBeNull();
  await expect(target.ensureExperiment('e')).rejects.toMatchObject({
    code: 'MLFLOW_EXPERIMENT_DELETED',
  });
  await expect(target.createRun(aRun('1', 'x'))).rejects.toMatchObject({
    code: 'MLFLOW_EXPERIMENT_DELETED',
  });
});
