import type { Fact } from '../store/fact.ts';
import { cutText } from './cut-text.ts';
import { byTime, toTimeText } from './fact-text.ts';
import { toMessageShape } from './message-shape.ts';
import { renderRows, type Column } from './table.ts';
import { toVisibleLine } from './visible-text.ts';

/** Groups beyond these are the rarest; how many are missing is said in a last row. */
const mostGroups = 200;
const maxExampleLength = 500;

interface Group {
  readonly first: Fact;
  readonly shape: string | null;
  last: Fact;
  count: number;
  /** Failures that were the last attempt of their request. */
  final: number;
  readonly sessions: Set<string>;
  /** Different messages, the first ones; at most two. */
  readonly examples: string[];
}

/**
 * `error_groups.json`: the failed attempts among `facts` by class, status, model, provider and the shape of their
 * message, the most frequent first; then by first time. `count` adds up to the rows of
 * `errors.json`, `last_attempts` to the errors of the run.
 */
export function renderErrorGroupsTable(facts: Iterable<Fact>): Uint8Array {
  const groups = toGroups(facts);
  const columns: readonly Column<Group>[] = [
    { name: 'error_class', cell: ({ first }) => first.error_class },
    { name: 'http_status', cell: ({ first }) => first.http_status },
    { name: 'model', cell: ({ first }) => first.model },
    { name: 'provider', cell: ({ first }) => first.provider },
    { name: 'message_shape', cell: ({ shape }) => shape },
    { name: 'count', cell: (group) => group.count },
    { name: 'last_attempts', cell: (group) => group.final },
    { name: 'sessions', cell: ({ sessions }) => sessions.size },
    { name: 'first_time', cell: ({ first }) => toTimeText(first.start_ms) },
    { name: 'last_time', cell: ({ last }) => toTimeText(last.start_ms) },
    { name: 'example', cell: ({ examples }) => examples[0] ?? null },
    { name: 'another_example', cell: ({ examples }) => examples[1] ?? null },
    { name: 'trace_id', cell: ({ first }) => first.trace_id },
    { name: 'observation_id', cell: ({ first }) => first.id },
  ];
  return renderRows({ columns, rows: groups.slice(0, mostGroups), total: groups.length });
}

function toGroups(facts: Iterable<Fact>): Group[] {
  const groups = new Map<string, Group>();
  const failures = [...facts].filter((fact) => fact.is_error === 1).toSorted(byTime);
  for (const fact of failures) {
    const shape = toMessageShape(fact.status_message);
    const key = JSON.stringify([
      fact.error_class,
      fact.http_status,
      fact.model,
      fact.provider,
      shape,
    ]);
    const group = groups.get(key) ?? newGroup(fact, shape);
    groups.set(key, group);
    group.count += 1;
    group.final += fact.is_final_attempt;
    group.last = fact;
    if (fact.session_id !== null) group.sessions.add(fact.session_id);
    if (fact.status_message === null || group.examples.length === 2) continue;
    const example = cutText(toVisibleLine(fact.status_message), maxExampleLength);
    if (!group.examples.includes(example)) group.examples.push(example);
  }
  // The map is in order of first time, and a sort keeps that order among equals.
  return [...groups.values()].toSorted((one, other) => other.count - one.count);
}

function newGroup(first: Fact, shape: string | null): Group {
  return { first, shape, last: first, count: 0, final: 0, sessions: new Set(), examples: [] };
}
