import { byCost, comparisonColumns, type Compared } from './comparison-columns.ts';
import { renderRows, type Column } from './table.ts';

/**
 * `sessions.json`: sessions side by side, costliest first, unknown null. When `total` is more than the sessions
 * given, a last row says how many are missing.
 */
export function renderSessionsTable(
  sessions: readonly {
    readonly sessionId: string;
    /** Metrics of the session by their names in the catalogue. */
    readonly metrics: ReadonlyMap<string, number>;
  }[],
  options: { readonly total?: number } = {},
): Uint8Array {
  const columns: readonly Column<Compared>[] = [
    { name: 'session_id', cell: (row) => row.label },
    ...comparisonColumns(['session_span_ms', 'session_active_ms', 'context_tokens/max']),
  ];
  const rows = sessions
    .map(({ sessionId, metrics }) => ({ label: sessionId, metrics }))
    .toSorted(byCost);
  return renderRows({ columns, rows, total: options.total });
}
