/** Finds calls that were logged twice: candidates by SQL, the decision by the litellm room. */
import { doubleLogKey, findDoubleLogged, identityOf } from '../litellm/double-logged.ts';
import type { Generation } from '../litellm/generation.ts';
import type { Interval } from '../shared/time.ts';
import { factColumns, toResolvedGeneration, type Fact } from './fact.ts';
import type { State } from './open-state.ts';

/** How far apart the two rows of one call can start. */
const twinReachMs = 1000;

/**
 * Identities to drop among the staged rows and the facts of neighbouring windows that could be their twins,
 * where the twins are in different traces (those within a trace are found when the trace is folded).
 */
export function findDoubleLoggedOverTraces(
  state: State,
  place: { readonly source: string; readonly window: Interval },
): Set<string> {
  const groups = new Map<string, Map<string, Generation>>();
  const add = (generation: Generation): void => {
    for (const key of doubleLogKey(generation)) {
      const group = groups.get(key) ?? new Map<string, Generation>();
      group.set(identityOf(generation), generation);
      groups.set(key, group);
    }
  };
  for (const column of ['response_id', 'call_id'] as const) {
    const rows = state.reader
      .prepare(
        `SELECT body FROM staged_generations WHERE ${column} IN (
           SELECT ${column} FROM staged_generations WHERE ${column} IS NOT NULL
           GROUP BY ${column} HAVING COUNT(DISTINCT trace_id) > 1)
         ORDER BY updated_ms, body`,
      )
      .pluck()
      .iterate() as IterableIterator<string>;
    for (const body of rows) add(JSON.parse(body) as Generation);

    const facts = state.reader
      .prepare(
        `SELECT ${factColumns.join(', ')} FROM facts
         WHERE source = @source AND window_from_ms <> @from AND ${column} IS NOT NULL
           AND (start_ms BETWEEN @from - @reach AND @from OR start_ms BETWEEN @to AND @to + @reach)
           AND window_from_ms IN (SELECT from_ms FROM windows WHERE source = @source AND (to_ms = @from OR from_ms = @to))`,
      )
      .iterate({
        source: place.source,
        from: place.window.fromMs,
        to: place.window.toMs,
        reach: twinReachMs,
      }) as IterableIterator<Fact>;
    const neighbours = [...facts];
    const findTwins = state.reader
      .prepare(`SELECT body FROM staged_generations WHERE ${column} = ? ORDER BY updated_ms, body`)
      .pluck();
    for (const fact of neighbours) {
      add(toResolvedGeneration(fact));
      const twins = findTwins.all(fact[column]) as string[];
      for (const body of twins) add(JSON.parse(body) as Generation);
    }
  }
  return dropsOf(groups);
}

/**
 * Of facts outside of the window that is folded, those that stay dropped because their twin is in another trace and
 * outside of that window too: folding one window must not let a call of another count again.
 */
export function findStillDropped(
  state: State,
  place: { readonly source: string; readonly windowFromMs: number },
  others: readonly Fact[],
): Set<string> {
  const dropped = others.filter((fact) => fact.not_counted === 'double_logged');
  if (dropped.length === 0) return new Set();
  const groups = new Map<string, Map<string, Generation>>();
  for (const column of ['response_id', 'call_id'] as const) {
    const findTwins = state.db.prepare(
      `SELECT ${factColumns.join(', ')} FROM facts
       WHERE source = @source AND ${column} = @value AND trace_id <> @trace AND window_from_ms <> @window
         AND start_ms BETWEEN @start - @reach AND @start + @reach`,
    );
    for (const fact of dropped) {
      if (fact[column] === null) continue;
      const twins = findTwins.all({
        source: place.source,
        value: fact[column],
        trace: fact.trace_id,
        window: place.windowFromMs,
        start: fact.start_ms,
        reach: twinReachMs,
      }) as Fact[];
      const rows = [fact, ...twins].map(toResolvedGeneration);
      groups.set(
        `${column}:${identityOf(toResolvedGeneration(fact))}`,
        new Map(rows.map((row) => [identityOf(row), row])),
      );
    }
  }
  const own = new Set(dropped.map((fact) => identityOf(toResolvedGeneration(fact))));
  return new Set([...dropsOf(groups)].filter((identity) => own.has(identity)));
}

/** Identities to drop among the rows of one trace. */
export function findDoubleLoggedInTrace(generations: readonly Generation[]): Set<string> {
  if (generations.length < 2) return new Set();
  const groups = new Map<string, Map<string, Generation>>();
  for (const generation of generations) {
    for (const key of doubleLogKey(generation)) {
      const group = groups.get(key) ?? new Map<string, Generation>();
      group.set(identityOf(generation), generation);
      groups.set(key, group);
    }
  }
  return dropsOf(groups);
}

function dropsOf(groups: ReadonlyMap<string, ReadonlyMap<string, Generation>>): Set<string> {
  const drops = new Set<string>();
  for (const group of groups.values()) {
    if (group.size < 2) continue;
    const kept = [...group.values()].filter((generation) => !drops.has(identityOf(generation)));
    for (const identity of findDoubleLogged(kept)) drops.add(identity);
  }
  return drops;
}
