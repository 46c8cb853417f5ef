import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { collect } from '../support/mlflow-contract-subject.ts';
import { aRun, useStoreFolder, type StoreFolder } from '../support/mlflow-store-folder.ts';

const store = useStoreFolder();

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

interface UnknownFile {
  readonly what: string;
  readonly reason: RegExp;
  readonly make: (at: StoreFolder) => void | Promise<void>;
}

const unknownFiles: readonly UnknownFile[] = [
  {
    what: 'text',
    reason: /not an SQLite database/,
    make: ({ file }) => writeFileSync(file, 'not a database at all, but longer than a header'),
  },
  {
    what: 'a few bytes',
    reason: /not an SQLite database/,
    make: ({ file }) => writeFileSync(file, 'SQLite'),
  },
  {
    what: 'a database of something else',
    reason: /no MLflow schema revision/,
    make: (at) => void at.withDatabase((db) => db.exec('CREATE TABLE experiments (id INTEGER)')),
  },
  {
    what: 'a database of something else that uses Alembic too',
    reason: /no table experiments/,
    make: (at) =>
      void at.withDatabase((db) =>
        db.exec(
          "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('1')",
        ),
      ),
  },
  {
    what: 'an MLflow whose tables lack a column',
    reason: /runs lacks artifact_uri/,
    async make(at) {
      await at.make();
      at.withDatabase((db) =>
        db.exec('ALTER TABLE runs RENAME COLUMN artifact_uri TO artifact_root'),
      );
    },
  },
  {
    what: 'a newer MLflow with a column that must be filled',
    reason: /tags \(revision acf3f17fdcc7\) requires columns of a newer MLflow: shard/,
    async make(at) {
      await at.make();
      at.withDatabase((db) => {
        db.exec(
          'CREATE TABLE n (key TEXT NOT NULL, value TEXT, run_uuid TEXT NOT NULL, shard INTEGER NOT NULL)',
        );
        db.exec('DROP TABLE tags');
        db.exec('ALTER TABLE n RENAME TO tags');
      });
    },
  },
  {
    what: 'one damaged in the middle',
    reason: /damaged|not a sound|malformed/,
    async make(at) {
      await at.make();
      const bytes = readFileSync(at.file);
      bytes.fill(0xa5, 4096, 8192);
      writeFileSync(at.file, bytes);
    },
  },
  {
    what: 'one cut short',
    reason: /damaged|not a sound|malformed/,
    async make(at) {
      await at.make();
      writeFileSync(at.file, readFileSync(at.file).subarray(0, 5000));
    },
  },
];

describe('a file that is not known is left as it is', () => {
  test.each(unknownFiles)('$what', async ({ make, reason }) => {
    await make(store());
    const before = hashOf(store().file);
    const write = store()
      .open()
      .then((target) => target.ensureExperiment('new'));
    await expect(write).rejects.toMatchObject({
      code: 'MLFLOW_STORE_UNKNOWN',
      message: expect.stringMatching(reason),
    });
    await store().closeAll();
    expect(hashOf(store().file)).toBe(before);
    expect(await readdir(store().folder)).toEqual(['mlflow.db']);
  });

  test('a folder', async () => {
    store().file = store().folder;
    await expect(store().open()).rejects.toMatchObject({ code: 'MLFLOW_STORE_DISK' });
  });
});

describe('a newer MLflow', () => {
  test('with columns that need no filling is written to, also when it comes while the store is open', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    store().withDatabase((db) => {
      db.exec('ALTER TABLE runs ADD COLUMN note TEXT');
      db.exec(
        "ALTER TABLE experiments ADD COLUMN workspace VARCHAR(63) DEFAULT 'default' NOT NULL",
      );
      db.exec("UPDATE alembic_version SET version_num = 'fffffffffff0'");
    });
    await target.createRun(aRun(experimentId, 'after'));
    expect(target.description.version).toBe('fffffffffff0');
    expect(await collect(target.listRuns(experimentId))).toHaveLength(1);
  });

  test('with a column that must be filled stops the work when it comes while the store is open', async () => {
    const target = await store().open();
    const { experimentId } = await target.ensureExperiment('e');
    store().withDatabase((db) => {
      db.exec('DROP TABLE metrics');
      db.exec(
        'CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan, shard INTEGER NOT NULL)',
      );
    });
    await expect(target.createRun(aRun(experimentId, 'after'))).rejects.toMatchObject({
      code: 'MLFLOW_STORE_UNKNOWN',
    });
    expect(
      store().withDatabase((db) => db.prepare('SELECT count(*) FROM runs').pluck().get()),
    ).toBe(0);
  });

  test('keeps experiments of other workspaces apart', async () => {
    await store().make();
    store().withDatabase((db) => {
      db.exec(
        "CREATE TABLE n (experiment_id INTEGER NOT NULL, name TEXT NOT NULL, artifact_location TEXT, lifecycle_stage TEXT, creation_time, last_update_time, workspace TEXT DEFAULT 'default' NOT NULL, PRIMARY KEY (experiment_id), UNIQUE (workspace, name))",
      );
      db.pragma('foreign_keys = OFF');
      db.exec("INSERT INTO n SELECT *, 'default' FROM experiments");
      db.exec("INSERT INTO n VALUES (7, 'theirs', 'x', 'active', 1, 1, 'team-a')");
      db.exec('DROP TABLE experiments');
      db.exec('ALTER TABLE n RENAME TO experiments');
    });
    const target = await store().open();
    expect(await target.findExperiment('theirs')).toBeNull();
    expect((await target.ensureExperiment('theirs')).experimentId).toBe('8');
  });
});
