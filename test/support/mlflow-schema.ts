/** The structure of an SQLite file, comparable whatever way its statements were written. */
import Database from 'better-sqlite3';

export interface TableStructure {
  readonly columns: unknown[];
  readonly foreignKeys: unknown[];
  /** By what they cover, without the names that SQLite makes up. */
  readonly indexes: unknown[];
  /** CHECK constraints, with their white space evened out. */
  readonly checks: string[];
}

export function readStructure(file: string): Record<string, TableStructure> {
  const db = new Database(file, { readonly: true });
  try {
    const tables = db
      .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all() as {
      name: string;
      sql: string;
    }[];
    return Object.fromEntries(
      tables.map(({ name, sql }) => [
        name,
        {
          columns: db
            .prepare(
              'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY cid',
            )
            .all(name),
          foreignKeys: db
            .prepare(
              'SELECT "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY "table", "from"',
            )
            .all(name),
          indexes: db
            .prepare(
              `SELECT CASE origin WHEN 'c' THEN list.name END AS name, "unique", origin,
                 (SELECT group_concat(info.name) FROM pragma_index_info(list.name) AS info) AS columns
               FROM pragma_index_list(?) AS list ORDER BY origin, columns`,
            )
            .all(name),
          checks: Array.from(
            sql.matchAll(/(?:CONSTRAINT \w+ )?CHECK \([^()]*\([^()]*\)\s*\)/g),
            ([check]) => check.replace(/\s+/g, ' '),
          ).toSorted(),
        },
      ]),
    );
  } finally {
    db.close();
  }
}
