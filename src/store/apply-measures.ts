/** Lets an open state file count as the settings file says. */
import { factColumns } from './fact.ts';
import type { State } from './open-state.ts';

/**
 * `sql` is a SELECT of every column of the facts that count, over `main.counted_facts`, or null for all of them.
 * It stands before the file's own `counted_facts` on both connections, so that every number, table and transcript
 * is made of the same facts; the file itself is not changed.
 */
export function applyMeasures(state: State, sql: string | null): void {
  if (sql === null) return;
  for (const connection of new Set([state.db, state.reader])) {
    // A file that is opened for looking only refuses even what is temporary.
    const queryOnly = connection.pragma('query_only', { simple: true }) as number;
    connection.pragma('query_only = OFF');
    connection.exec(
      `DROP VIEW IF EXISTS temp.counted_facts; CREATE TEMP VIEW counted_facts AS ${sql}`,
    );
    connection.pragma(`query_only = ${queryOnly}`);
  }
}

/** The relation and its columns that such a SELECT is made over. */
export const countedFacts = { facts: 'main.counted_facts', columns: factColumns } as const;
