import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { takeLease } from '../../src/store/lease.ts';
import { migrate, readMigrations } from '../../src/store/migrate.ts';
import { openState } from '../../src/store/open-state.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const hash = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

describe('opening the state file', () => {
  it('has one migration for each number', () => {
    const ids = readMigrations().map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
  });

  it('creates it, and opens it again with all migrations applied once', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/deep/state.db`;
    openState(path)[Symbol.dispose]();
    using state = openState(path);
    const applied = state.db.prepare('SELECT id FROM migrations').pluck().all();
    expect(applied).toEqual(readMigrations().map((migration) => migration.id));
  });

  it('opens the file that a worker left which died while it made it', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/state.db`;
    const begun = new Database(path);
    begun.pragma('journal_mode = WAL');
    begun.close();
    expect(readFileSync(path).length).toBeGreaterThan(0);
    using state = openState(path);
    expect(state.db.prepare('SELECT COUNT(*) FROM ledger').pluck().get()).toBe(0);
  });

  it('refuses a foreign SQLite file and leaves it as it was', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/other.db`;
    const other = new Database(path);
    other.exec('CREATE TABLE somebody_elses (a)');
    other.close();
    const before = hash(path);
    expect(() => openState(path)).toThrow(
      expect.objectContaining({ code: 'STATE_UNUSABLE' }) as Error,
    );
    expect(hash(path)).toBe(before);
  });

  it('refuses a file that is no database and leaves it as it was', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/notes.txt`;
    writeFileSync(
      path,
      'these are my notes, not a database, and they are long enough to have a header',
    );
    const before = hash(path);
    expect(() => openState(path)).toThrow(
      expect.objectContaining({ code: 'STATE_UNUSABLE' }) as Error,
    );
    expect(hash(path)).toBe(before);
  });

  it('refuses a file of a newer version, naming the migration', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/state.db`;
    using opened = openState(path);
    opened.db
      .prepare("INSERT INTO migrations VALUES (9999, '9999-from-the-future.sql', 'x', 'now')")
      .run();
    expect(() => openState(path)).toThrow(/9999-from-the-future\.sql/);
  });

  it('refuses a file whose migration was changed since', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/state.db`;
    using state = openState(path);
    const changed = readMigrations().map((migration) => ({ ...migration, checksum: 'changed' }));
    expect(() => migrate(state.db, changed)).toThrow(/another text of migration/);
  });

  it('leaves the schema as it was when one of several new migrations fails', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const known = readMigrations();
    const add = (id: number, sql: string): (typeof known)[number] => ({
      id,
      name: `${id}.sql`,
      sql,
      checksum: String(id),
    });
    const later = [add(9001, 'CREATE TABLE later (a)'), add(9002, 'CREATE TABLE later (b)')];
    expect(() => migrate(state.db, [...known, ...later])).toThrow(/already exists/);
    const names = state.db.prepare("SELECT name FROM sqlite_schema WHERE name = 'later'").all();
    expect(names).toEqual([]);
    migrate(state.db, known);
  });

  it('says where it can not be written', () => {
    expect(() => openState('/proc/no-such-place/state.db')).toThrow(
      expect.objectContaining({ code: 'STATE_DISK' }) as Error,
    );
  });
});

describe('the lease', () => {
  it('names its holder while that one writes, or is stopped while it writes', () => {
    using folder = openTempFolder();
    using writing = openState(`${folder.path}/state.db`);
    takeLease(writing, { holder: 'host-a', nowMs: 0 });
    using second = openState(`${folder.path}/state.db`);
    second.db.pragma('busy_timeout = 10');
    writing.db.exec('BEGIN IMMEDIATE');
    const take = (nowMs: number) => () => takeLease(second, { holder: 'host-b', nowMs });
    expect(take(1000)).toThrow(
      expect.objectContaining({
        code: 'STATE_BUSY',
        message: expect.stringMatching(/^Another worker \(host-a\) is using /) as string,
      }) as Error,
    );
    // Nobody's lease: a program that looks at the file.
    expect(take(10_000_000)).toThrow(
      expect.objectContaining({
        code: 'STATE_BUSY',
        message: expect.stringMatching(/is locked by another process/) as string,
      }) as Error,
    );
    writing.db.exec('COMMIT');
    expect(take(10_000_000)).not.toThrow();
  });

  it('is held by one, taken over when it has expired, and fences the one who lost it', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const mine = takeLease(state, { holder: 'host-a', nowMs: 0 });
    expect(() => takeLease(state, { holder: 'host-b', nowMs: 1000 })).toThrow(/host-a/);
    const theirs = takeLease(state, { holder: 'host-b', nowMs: 10_000_000 });
    expect(mine.takenFrom).toBeNull();
    expect(theirs.takenFrom).toEqual({ holder: 'host-a', why: 'expired' });
    expect(theirs.fence).toBeGreaterThan(mine.fence);
    expect(() => mine.renew(10_000_001)).toThrow(
      expect.objectContaining({ code: 'STATE_BUSY' }) as Error,
    );
    mine.release();
    expect(() => takeLease(state, { holder: 'host-c', nowMs: 10_000_002 })).toThrow(/host-b/);
    theirs.release();
    // Handed back, so from nobody.
    expect(takeLease(state, { holder: 'host-c', nowMs: 10_000_003 }).takenFrom).toBeNull();
  });
});
