import { expect } from 'vitest';

export interface ReadTable {
  readonly columns: string[];
  readonly data: (string | number | boolean | null)[][];
}

/** Reads a table as MLflow's UI does, after checking that it is one. */
export function readTable(bytes: Uint8Array): ReadTable {
  const table = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ReadTable;
  expect(Object.keys(table)).toEqual(['columns', 'data']);
  for (const row of table.data) {
    expect(row).toHaveLength(table.columns.length);
    for (const cell of row) {
      expect(cell === null || ['string', 'number', 'boolean'].includes(typeof cell)).toBe(true);
    }
  }
  return table;
}

/** The cells of one column. */
export function columnOf(table: ReadTable, name: string): unknown[] {
  const index = table.columns.indexOf(name);
  expect(index, `column ${name}`).toBeGreaterThanOrEqual(0);
  return table.data.map((row) => row[index]);
}
