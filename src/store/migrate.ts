/** Applies the plain SQL files of `migrations/` in order, each once, each checked by its checksum. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';

export interface Migration {
  readonly id: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const migrationsFolder = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** Reads `NNNN-name.sql` files, sorted by number. Line ends do not count for the checksum. */
export function readMigrations(folder: string = migrationsFolder): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
      return {
        id: Number(file.slice(0, 4)),
        name: file,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
      };
    });
}

/**
 * Brings the open database to the newest schema, whole or not at all. Throws STATE_UNUSABLE when the file was written by a
 * newer version, or when a migration that it had applied was changed since.
 */
export function migrate(db: Database.Database, migrations: readonly Migration[]): void {
  db.exec(
    `CREATE TABLE IF NOT EXISTS migrations (
       id INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
     ) STRICT`,
  );
  const done = readApplied(db, migrations);
  const insert = db.prepare(
    "INSERT INTO migrations (id, name, checksum, applied_at) VALUES (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
  );
  const missing = migrations.filter((migration) => !done.has(migration.id));
  if (missing.length === 0) return;
  // Together: a disk is waited for once, and a file that one of them can't change stays as it was.
  db.transaction(() => {
    for (const migration of missing) {
      db.exec(migration.sql);
      insert.run(migration.id, migration.name, migration.checksum);
    }
  })();
}

/** True when the open database has the newest schema. Writes nothing; throws as {@link migrate}. */
export function isMigrated(db: Database.Database, migrations: readonly Migration[]): boolean {
  const table = db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'migrations'");
  if (table.pluck().get() === 0) return false;
  const done = readApplied(db, migrations);
  return migrations.every((migration) => done.has(migration.id));
}

/** Numbers of the migrations that were applied, each checked against its text of today. */
function readApplied(db: Database.Database, migrations: readonly Migration[]): Set<number> {
  const applied = db.prepare('SELECT id, name, checksum FROM migrations ORDER BY id').all() as {
    id: number;
    name: string;
    checksum: string;
  }[];
  const known = new Map(migrations.map((migration) => [migration.id, migration]));
  for (const row of applied) {
    const migration = known.get(row.id);
    if (!migration) {
      throw new AppError(
        'STATE_UNUSABLE',
        `The state file ${db.name} was written by a newer version (it holds migration ${row.name}). Use that version.`,
      );
    }
    if (migration.checksum !== row.checksum) {
      throw new AppError(
        'STATE_UNUSABLE',
        `The state file ${db.name} was made with another text of migration ${row.name}; its schema can't be trusted.`,
      );
    }
  }
  return new Set(applied.map((row) => row.id));
}
