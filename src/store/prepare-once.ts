/** Statements by their text: to compile one takes longer than to run it, and each window asks the same ones. */
import type Database from 'better-sqlite3';
import type { State } from './open-state.ts';

const prepared = new WeakMap<State, Map<string, Database.Statement>>();

/**
 * The statement of this text on the writing connection, compiled once for each open state. Whether it plucks stays with
 * it: a text must be asked for in one way only. Not for `iterate`, which keeps a statement busy.
 */
export function prepareOnce(state: State, sql: string): Database.Statement {
  const statements = prepared.get(state) ?? new Map<string, Database.Statement>();
  prepared.set(state, statements);
  const statement = statements.get(sql) ?? state.db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}
