/** The `filter` parameter of the observation lists: the columns and operators that a batch reader may use. */
import type { FilterCondition } from './query-schemas.ts';

/** A row reduced to the columns that can be filtered. */
export interface FilterableRow {
  readonly id: string;
  readonly traceId: string;
  readonly type: string;
  readonly name: string | null;
  readonly level: string;
  readonly environment: string;
  readonly model: string | null;
  readonly startMs: number;
  readonly endMs: number | null;
}

/** A predicate of all conditions, or the message of the 400 that Langfuse would answer. */
export function toRowPredicate(
  conditions: readonly FilterCondition[] | undefined,
): ((row: FilterableRow) => boolean) | string {
  const predicates: ((row: FilterableRow) => boolean)[] = [];
  for (const condition of conditions ?? []) {
    const predicate = toPredicate(condition);
    if (typeof predicate === 'string') return predicate;
    predicates.push(predicate);
  }
  return (row) => predicates.every((predicate) => predicate(row));
}

const textColumns = ['id', 'traceId', 'type', 'name', 'level', 'environment', 'model'] as const;

function toPredicate(condition: FilterCondition): ((row: FilterableRow) => boolean) | string {
  const { column, operator, value } = condition;
  if (column === 'startTime' || column === 'endTime') {
    const limitMs = Date.parse(String(value));
    const compare = timeOperators[operator];
    if (Number.isNaN(limitMs) || !compare) return `Invalid filter on column ${column}`;
    return (row) => {
      const instant = column === 'startTime' ? row.startMs : row.endMs;
      return instant !== null && compare(instant, limitMs);
    };
  }
  const textColumn = textColumns.find((name) => name === column);
  if (!textColumn) return `Invalid filter column ${column}`;
  const wanted = Array.isArray(value) ? value.map(String) : [String(value)];
  switch (operator) {
    case '=':
    case 'any of':
      return (row) => wanted.includes(row[textColumn] ?? '');
    case 'none of':
      return (row) => !wanted.includes(row[textColumn] ?? '');
    case 'contains':
      return (row) => (row[textColumn] ?? '').includes(wanted[0] ?? '');
    case 'starts with':
      return (row) => (row[textColumn] ?? '').startsWith(wanted[0] ?? '');
    default:
      return `Invalid filter operator ${operator}`;
  }
}

const timeOperators: Readonly<Record<string, (instant: number, limit: number) => boolean>> = {
  '>': (instant, limit) => instant > limit,
  '>=': (instant, limit) => instant >= limit,
  '<': (instant, limit) => instant < limit,
  '<=': (instant, limit) => instant <= limit,
};
