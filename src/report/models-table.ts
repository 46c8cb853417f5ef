import { byCost, comparisonColumns, type Compared } from './comparison-columns.ts';
import { renderRows, type Column } from './table.ts';

/** `models.json`: the models of a window side by side, costliest first, unknown null. */
export function renderModelsTable(
  models: readonly {
    readonly model: string;
    /** Metrics of the model's run by their names in the catalogue. */
    readonly metrics: ReadonlyMap<string, number>;
  }[],
): Uint8Array {
  const columns: readonly Column<Compared>[] = [
    { name: 'model', cell: (row) => row.label },
    ...comparisonColumns(['active_sessions', 'active_users']),
  ];
  const rows = models.map(({ model, metrics }) => ({ label: model, metrics })).toSorted(byCost);
  return renderRows({ columns, rows });
}
