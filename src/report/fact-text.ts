/** How single columns of a fact are told, the same in every table and transcript. */
import type { Fact } from '../store/fact.ts';

/** The largest instant that a JavaScript date can name (ECMA-262, time values). */
const lastInstantMs = 8.64e15;

/** `2026-11-24T10:02:41.552Z`, or null for what is no instant. */
export function toTimeText(instantMs: number | null): string | null {
  if (instantMs === null || !(Math.abs(instantMs) <= lastInstantMs)) return null;
  return new Date(instantMs).toISOString();
}

export function toStatus(fact: Fact): 'ok' | 'error' {
  return fact.is_error === 1 ? 'error' : 'ok';
}

/** Who called, as far as it is known: the alias of the key, else the head of its hash. */
export function toKeyText(fact: Fact): string | null {
  return fact.key_alias ?? (fact.key_hash === null ? null : `${fact.key_hash.slice(0, 12)}…`);
}

export function toTeamText(fact: Fact): string | null {
  return fact.team_alias ?? fact.team_id;
}

/** Identity of one attempt within a project. */
export function toAttemptKey(fact: Pick<Fact, 'trace_id' | 'id'>): string {
  return `${fact.trace_id}/${fact.id}`;
}

/** Order of time, then identity; of rows that start together the failed one was first. */
export function byTime(a: Fact, b: Fact): number {
  return (
    a.start_ms - b.start_ms ||
    b.is_error - a.is_error ||
    compare(a.trace_id, b.trace_id) ||
    compare(a.id, b.id)
  );
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
