/** Files that are not the worker's, or not whole: refused by name and left byte for byte as they were. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import {
  expectFailure,
  expectJsonFailure,
  expectRefusal,
  hashFiles,
  openWorkplace,
} from './workplace.ts';

/** `LMSY`, which marks a file as the worker's. */
const applicationId = 0x4c_4d_53_59;

function makeDatabase(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

describe('mlflow.db', () => {
  const unknown = {
    exitCode: 2,
    code: 'MLFLOW_STORE_UNKNOWN',
    next: /left untouched/,
  } as const;
  test.each([
    [
      'that is no database',
      (path: string) => writeFileSync(path, randomBytes(5000)),
      /not an SQLite database/,
    ],
    [
      'of another program',
      (path: string) => makeDatabase(path, 'CREATE TABLE notes (text TEXT)'),
      /mlflow\.db/,
    ],
    [
      'of an unknown MLflow',
      (path: string) =>
        makeDatabase(
          path,
          `CREATE TABLE alembic_version (version_num TEXT);
           INSERT INTO alembic_version VALUES ('ffffffffffff');
           CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
           CREATE TABLE runs (run_uuid TEXT)`,
        ),
      /mlflow\.db/,
    ],
  ])('%s', async (_case, make, message) => {
    await using place = await openWorkplace();
    make(join(place.path, 'mlflow.db'));
    await expectRefusal(place, { args: ['sync'], expected: { ...unknown, message } });
    await expectRefusal(place, {
      args: ['demo'],
      expected: { ...unknown, message, next: /run the demo in an empty folder/ },
    });
  });
});

describe('the state file', () => {
  const unusable = { exitCode: 2, code: 'STATE_UNUSABLE' } as const;
  const isUntouched = /left untouched; move it away .* SYNC_STATE_FILE/;

  test.each([
    [
      'that is no database',
      (path: string) => writeFileSync(path, randomBytes(5000)),
      /not a readable SQLite file/,
    ],
    [
      'of another program',
      (path: string) => makeDatabase(path, 'CREATE TABLE notes (text TEXT)'),
      /of another program/,
    ],
  ])('%s', async (_case, make, message) => {
    await using place = await openWorkplace();
    make(join(place.path, 'langfuse-mlflow.db'));
    const expected = { ...unusable, message, next: isUntouched };
    await expectRefusal(place, { args: ['sync'], expected });
    await expectRefusal(place, { args: ['status'], expected });
    const doctor = await place.run(['doctor']);
    expect(doctor.code).toBe(2);
    expect(doctor.stdout).toMatch(/ok .*langfuse .*reader[^]*FAIL .*state/);
  });

  test('that is cut off, from a newer version, or changed in its migrations', async () => {
    await using place = await openWorkplace();
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
    const file = join(place.path, 'langfuse-mlflow.db');
    const good = join(place.path, 'good.db');
    copyFileSync(file, good);

    truncateSync(file, 9000);
    const cut = { ...unusable, message: /not a readable SQLite file/, next: isUntouched };
    await expectRefusal(place, { args: ['sync'], expected: cut });

    copyFileSync(good, file);
    makeDatabase(file, "INSERT INTO migrations VALUES (9999, '9999-later.sql', 'x', 'x')");
    const newer = { ...unusable, message: /newer version .*9999-later\.sql/, next: /untouched/ };
    await expectRefusal(place, { args: ['sync'], expected: newer });
    await expectRefusal(place, { args: ['status'], expected: newer });

    copyFileSync(good, file);
    makeDatabase(file, "UPDATE migrations SET checksum = 'other'");
    const changed = { ...unusable, message: /another text of migration/, next: /untouched/ };
    await expectRefusal(place, { args: ['sync'], expected: changed });
  });

  test('of an older version is neither read wrongly nor brought up by looking at it', async () => {
    await using place = await openWorkplace();
    const file = join(place.path, 'langfuse-mlflow.db');
    makeDatabase(file, `PRAGMA application_id = ${applicationId}`);
    const before = readFileSync(file);
    await expectRefusal(place, {
      args: ['status'],
      expected: { ...unusable, message: /older version/, next: /sync` once/ },
    });
    const doctor = await place.run(['doctor']);
    expect(doctor).toMatchObject({ code: 0 });
    expect(doctor.stdout).toMatch(/the next sync brings it to this version/);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  });

  test('that is not there: status says how to get one, and makes none', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['status'],
      expected: {
        ...unusable,
        message: /There is no state file .*langfuse-mlflow\.db yet/,
        next: /Run `langfuse-mlflow sync` first/,
      },
    });
    expect(hashFiles(place.path)).toEqual({});
  });

  test('that is a folder', async () => {
    await using place = await openWorkplace();
    const expected = {
      ...unusable,
      message: /The state file .* is a folder/,
      next: /Name a file in it with SYNC_STATE_FILE \(--state-file\), such as .*\/langfuse-mlflow\.db/,
    };
    await expectRefusal(place, { args: ['sync', '--state-file', '.'], expected });
    await expectRefusal(place, { args: ['status', '--state-file', place.path], expected });
    const doctor = await place.run(['doctor', '--state-file', '.']);
    expect(doctor.stdout).toMatch(/FAIL .*state .*is a folder/);
  });

  test('in a folder that is not there', async () => {
    await using place = await openWorkplace();
    const args = ['sync', '--state-file', 'volume/not/mounted/state.db'];
    const expected = {
      exitCode: 75,
      code: 'STATE_DISK',
      message: /volume\/not\/mounted\/state\.db can't be written/,
      next: /SYNC_STATE_FILE/,
    };
    expectFailure(await place.run(args), expected);
    expectJsonFailure(await place.run([...args, '--json']), expected);
    expect(hashFiles(place.path)).toEqual({});
  });
});
