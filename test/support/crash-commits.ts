/** Watches a state file: calls back whenever something has been committed to it. */
import type Database from 'better-sqlite3';
import type { State } from '../../src/store/open-state.ts';

/**
 * The same state, with `onCommit` called after each commit of its writing connection. It may throw: what was
 * committed stays, as after the death of the process.
 */
export function watchCommits(state: State, onCommit: () => void): State {
  const { db } = state;
  let changes = db.prepare('SELECT total_changes()').pluck().get();
  const read = db.prepare('SELECT total_changes()').pluck();
  const look = (): void => {
    if (db.inTransaction) return;
    const now = read.get();
    if (now === changes) return;
    changes = now;
    onCommit();
  };

  const watchStatement = (statement: Database.Statement): Database.Statement =>
    new Proxy(statement, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args);
          if (name === 'run') look();
          return result === target ? watchStatement(target) : result;
        };
      },
    });

  const watchTransaction = (transaction: Database.Transaction): unknown => {
    const watchedCall =
      (call: (...args: unknown[]) => unknown) =>
      (...args: unknown[]): unknown => {
        const result = call(...args);
        look();
        return result;
      };
    return Object.assign(watchedCall(transaction), {
      deferred: watchedCall((...args) => transaction.deferred(...args)),
      immediate: watchedCall((...args) => transaction.immediate(...args)),
      exclusive: watchedCall((...args) => transaction.exclusive(...args)),
    });
  };

  const watched = new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (name === 'prepare') return watchStatement(result as Database.Statement);
        if (name === 'transaction') return watchTransaction(result as Database.Transaction);
        if (name === 'exec') look();
        return result;
      };
    },
  });
  return {
    db: watched,
    reader: state.reader,
    path: state.path,
    [Symbol.dispose]: () => state[Symbol.dispose](),
  };
}
