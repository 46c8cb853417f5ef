import type { Fact } from '../store/fact.ts';
import { outcomes } from './attempts.ts';
import { cutText, notShownMark } from './cut-text.ts';
import { byTime, toKeyText, toTimeText } from './fact-text.ts';
import { renderRows, type Column } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const maxMessageLength = 500;

/**
 * `errors.json`: one row per failed attempt among `facts`, in order of time. `recovered` is whether the request
 * succeeded in a later attempt; it is false on a last attempt, and null where the last attempt is neither among
 * `facts` nor among `others` (attempts of the same requests that are no rows of this table). When `total` is more
 * than the failed attempts given, a last row says how many are missing.
 */
export function renderErrorsTable(
  facts: readonly Fact[],
  options: { readonly total?: number; readonly others?: readonly Fact[] } = {},
): Uint8Array {
  const endings = outcomes([...facts, ...(options.others ?? [])]);
  const columns: readonly Column<Fact>[] = [
    { name: 'time', cell: (fact) => toTimeText(fact.start_ms) },
    { name: 'model', cell: (fact) => fact.model },
    { name: 'provider', cell: (fact) => fact.provider },
    { name: 'error_class', cell: (fact) => fact.error_class },
    { name: 'http_status', cell: (fact) => fact.http_status },
    { name: 'message', cell: (fact) => toFirstLine(fact.status_message) },
    { name: 'last_attempt', cell: (fact) => fact.is_final_attempt === 1 },
    {
      name: 'recovered',
      cell: (fact) =>
        fact.is_final_attempt === 1 ? false : (endings.get(fact.request_id) ?? null),
    },
    { name: 'session_id', cell: (fact) => fact.session_id },
    { name: 'user', cell: (fact) => fact.user_id },
    { name: 'key', cell: toKeyText },
    { name: 'request_id', cell: (fact) => fact.request_id },
    { name: 'trace_id', cell: (fact) => fact.trace_id },
    { name: 'observation_id', cell: (fact) => fact.id },
  ];
  const rows = facts.filter((fact) => fact.is_error === 1).toSorted(byTime);
  return renderRows({ columns, rows, total: options.total });
}

/** The first line that says something, at most 500 characters; what is left out of it and below it is counted. */
function toFirstLine(message: string | null): string | null {
  if (message === null) return null;
  const text = toVisibleText(message).trim();
  const end = text.indexOf('\n');
  if (end === -1 || end > maxMessageLength) return cutText(text, maxMessageLength);
  return `${text.slice(0, end).trimEnd()}${notShownMark(text.slice(end + 1))}`;
}
