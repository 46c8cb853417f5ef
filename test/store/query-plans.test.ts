/** A question about one window costs what the window holds, not what the state file holds. */
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import { createTinyTraffic, dayMs, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench } from '../support/sync-bench.ts';

// Two whole runs.
it(
  'no query of a nightly run reads all facts or all scores of the source',
  { timeout: 120_000 },
  async () => {
    await using bench = await openSyncBench({ traffic: createTinyTraffic(), nowMs: tinyNightMs });
    using asked = recordStatements();
    expect((await bench.sync()).failed).toEqual([]);
    bench.setNow(tinyNightMs + dayMs);
    expect((await bench.sync()).failed).toEqual([]);

    using state = openState(bench.stateFile);
    const queries = [...asked.texts].filter((sql) => /\b(facts|counted_facts|scores)\b/.test(sql));
    expect(queries.length).toBeGreaterThan(20);
    const wide = queries
      .map((sql) => ({ sql, plan: planOf(state.db, sql).filter(readsAll) }))
      .filter(({ plan }) => plan.length > 0);
    expect(wide).toEqual([]);
  },
);

/** The queries call facts and scores by one letter; a name in brackets is what a subquery has left of them. */
function readsAll(step: string): boolean {
  return (
    /^SCAN (facts|scores|[a-z])( |$)/.test(step) ||
    /^SEARCH (facts|scores|[a-z]) USING .*\(source=\?\)$/.test(step)
  );
}

/** Which value a parameter has makes no difference to how SQLite goes about it. */
function planOf(db: Database.Database, sql: string): string[] {
  const filled = sql.replaceAll(/@\w+|\?/g, "'1'");
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${filled}`).all() as { readonly detail: string }[];
  return steps.map(({ detail }) => detail);
}

function recordStatements(): Disposable & { readonly texts: ReadonlySet<string> } {
  const texts = new Set<string>();
  const prototype = Database.prototype as Pick<Database.Database, 'prepare'>;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'prepare');
  const prepare = descriptor?.value as (this: unknown, sql: string) => unknown;
  Object.defineProperty(prototype, 'prepare', {
    ...descriptor,
    value(this: unknown, sql: string) {
      texts.add(sql);
      return Reflect.apply(prepare, this, [sql]);
    },
  });
  return {
    texts,
    [Symbol.dispose]: () => {
      Object.defineProperty(prototype, 'prepare', descriptor ?? {});
    },
  };
}
