/** Tables that MLflow's UI renders: what `mlflow.log_table` writes (mlflow/tracking/client.py, pandas `orient="split"`). */
import { toCount } from '../runs/note.ts';
import { AppError } from '../shared/errors.ts';
import { toVisibleText } from './visible-text.ts';

/** Unknown is null. */
export type Cell = string | number | boolean | null;

/**
 * `{"columns":[…],"data":[[…],…]}`, one row per line. Strings are made visible (no control characters, no lone
 * surrogates). Throws INTERNAL on a row of another length, a repeated column, or a number that JSON can't hold:
 * a table must not show a value under the wrong head, nor a fault as unknown.
 */
export function renderTable(table: {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}): Uint8Array {
  const { columns, rows } = table;
  if (new Set(columns).size !== columns.length) {
    throw new AppError('INTERNAL', `A table has a column twice: ${columns.join(', ')}.`);
  }
  const lines = rows.map((row) => {
    if (row.length !== columns.length) {
      throw new AppError(
        'INTERNAL',
        `A table row has ${row.length} cells for ${columns.length} columns.`,
      );
    }
    return JSON.stringify(row.map((cell, index) => toJsonCell(cell, columns[index] ?? '')));
  });
  const data = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n]`;
  return new TextEncoder().encode(`{"columns":${JSON.stringify(columns)},"data":${data}}\n`);
}

/** One column of a table over rows of a kind. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => Cell;
}

/** A table over `rows`; where `total` is more, a last row says in the first column how many are missing. */
export function renderRows<Row>(table: {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly total?: number | undefined;
}): Uint8Array {
  const { columns, rows, total = 0 } = table;
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const missing = total - rows.length;
  const mark =
    missing === 1 ? '… 1 more row not shown' : `… ${toCount(missing)} more rows not shown`;
  if (missing > 0) cells.push(columns.map((_column, index) => (index === 0 ? mark : null)));
  return renderTable({ columns: columns.map((column) => column.name), rows: cells });
}

function toJsonCell(cell: Cell, column: string): Cell {
  if (typeof cell === 'string') return toVisibleText(cell);
  if (typeof cell === 'number' && !Number.isFinite(cell)) {
    throw new AppError('INTERNAL', `A table cell of column ${column} is ${cell}.`);
  }
  return cell;
}
