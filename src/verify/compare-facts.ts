/** Compares what windows hold in the scratch state (as Langfuse has them now) with the real state file. */
import { toInstant, toIso, type Interval } from '../shared/time.ts';
import { factColumns } from '../store/fact.ts';
import type { State } from '../store/open-state.ts';
import type { Difference, ModelTotals, RowDrift, WindowDrift } from './drift.ts';

interface ComparedTable {
  readonly of: RowDrift['of'];
  readonly table: 'facts' | 'scores' | 'quarantine';
  readonly key: readonly string[];
  /** SQL for the start of the window that a row belongs to. */
  readonly window: string;
  /** Columns that tell of a difference; others tell of the reading. */
  readonly columns: readonly string[];
}

const tables: readonly ComparedTable[] = [
  {
    of: 'generation',
    table: 'facts',
    key: ['source', 'trace_id', 'id'],
    window: 'window_from_ms',
    columns: factColumns.filter((column) => column !== 'updated_ms' && column !== 'row_hash'),
  },
  {
    of: 'score',
    table: 'scores',
    key: ['source', 'id'],
    window: '(timestamp_ms / CAST(@windowMs AS INTEGER)) * CAST(@windowMs AS INTEGER)',
    columns: [
      'name',
      'data_type',
      'value',
      'string_value',
      'timestamp_ms',
      'trace_id',
      'observation_id',
      'session_id',
    ],
  },
  {
    of: 'quarantined row',
    table: 'quarantine',
    key: ['source', 'window_from_ms', 'trace_id', 'id'],
    window: 'window_from_ms',
    columns: ['reason'],
  },
];

interface Place {
  readonly source: string;
  readonly windowMs: number;
}

/** Drift of every window that any read-again window touched, in order of time. */
export function compareWindows(scratch: State, place: Place): WindowDrift[] {
  const rows = new Map<number, RowDrift[]>();
  for (const table of tables) {
    for (const { windowFromMs, drift } of compareTable(scratch, table, place)) {
      const ofWindow = rows.get(windowFromMs);
      if (ofWindow === undefined) rows.set(windowFromMs, [drift]);
      else ofWindow.push(drift);
    }
  }
  return [...rows.keys()]
    .toSorted((a, b) => a - b)
    .map((fromMs) => ({
      window: toWindow(fromMs, place.windowMs),
      isUnread: false,
      isEmptied: isEmptied(scratch, { ...place, fromMs }),
      rows: rows.get(fromMs) ?? [],
      models: compareModels(scratch, { ...place, fromMs }),
    }));
}

function isEmptied(scratch: State, place: Place & { readonly fromMs: number }): boolean {
  const count = (schema: 'main' | 'live'): unknown =>
    scratch.db
      .prepare(`SELECT COUNT(*) FROM ${schema}.facts WHERE source = ? AND window_from_ms = ?`)
      .pluck()
      .get(place.source, place.fromMs);
  return count('main') === 0 && count('live') !== 0;
}

interface FoundRow {
  readonly windowFromMs: number;
  readonly drift: RowDrift;
}

function compareTable(scratch: State, compared: ComparedTable, place: Place): FoundRow[] {
  const { table, key, columns } = compared;
  const same = key.map((column) => `l.${column} = s.${column}`).join(' AND ');
  const read = (side: 's' | 'l', from: string): Record<string, unknown>[] => {
    const wanted = [...new Set([...key, ...columns])].map((column) => `${side}.${column}`);
    const window = compared.window.replaceAll(/\b(window_from_ms|timestamp_ms)\b/g, `${side}.$1`);
    return scratch.db
      .prepare(`SELECT ${window} AS drift_window, ${wanted.join(', ')} FROM ${from}`)
      .all({ ...place }) as Record<string, unknown>[];
  };
  const only = (side: 's' | 'l', other: 's' | 'l', and = ''): Record<string, unknown>[] =>
    read(
      side,
      `${schemaOf(side)}.${table} ${side} WHERE ${side}.source = @source AND NOT EXISTS (SELECT 1 FROM ${schemaOf(other)}.${table} ${other} WHERE ${same})${and}`,
    );
  const unpruned = table === 'quarantine' ? '' : ` AND ${isNotPruned(compared.window)}`;
  const differ = columns.map((column) => `l.${column} IS NOT s.${column}`).join(' OR ');
  const both = (side: 's' | 'l'): Record<string, unknown>[] =>
    read(
      side,
      `main.${table} s JOIN live.${table} l ON ${same}
       WHERE s.source = @source AND (${differ}) ORDER BY ${key.map((column) => `s.${column}`).join(', ')}`,
    );
  const [langfuse, state] = [both('s'), both('l')];
  return [
    ...only('s', 'l', unpruned).map((row) =>
      toFound(compared, { kind: 'missing', row, differences: [] }),
    ),
    ...only('l', 's').map((row) => toFound(compared, { kind: 'extra', row, differences: [] })),
    ...langfuse.map((row, at) =>
      toFound(compared, {
        kind: 'changed',
        row,
        differences: differencesOf(columns, row, state[at] ?? {}),
      }),
    ),
  ];
}

/** What was restored on the way, of windows that are not compared, is only in the scratch state. */
function isNotPruned(window: string): string {
  const fromMs = window.replaceAll(/\b(window_from_ms|timestamp_ms)\b/g, 's.$1');
  const isOf = (kind: string): string =>
    `EXISTS (SELECT 1 FROM live.pruned_keys k JOIN live.pruned_rows r
       ON r.source = k.source AND r.group_id = k.group_id
       WHERE k.source = s.source AND k.kind = '${kind}' AND k.id = s.${kind}_id AND r.window_from_ms = ${fromMs})`;
  return `NOT ${isOf('trace')} AND NOT ${isOf('session')}`;
}

const schemaOf = (side: 's' | 'l'): string => (side === 's' ? 'main' : 'live');

function toFound(
  compared: ComparedTable,
  found: {
    readonly kind: RowDrift['kind'];
    readonly row: Readonly<Record<string, unknown>>;
    readonly differences: readonly Difference[];
  },
): FoundRow {
  const { row } = found;
  return {
    windowFromMs: Number(row['drift_window']),
    drift: {
      of: compared.of,
      kind: found.kind,
      traceId: typeof row['trace_id'] === 'string' ? row['trace_id'] : null,
      id: String(row['id']),
      differences: found.differences,
    },
  };
}

function differencesOf(
  columns: readonly string[],
  langfuse: Readonly<Record<string, unknown>>,
  state: Readonly<Record<string, unknown>>,
): Difference[] {
  return columns
    .filter((column) => langfuse[column] !== state[column])
    .map((column) => ({
      what: `column ${column}`,
      expected: toValue(column, langfuse[column]),
      found: toValue(column, state[column]),
    }));
}

function toValue(column: string, value: unknown): string | number | null {
  if (typeof value === 'number') {
    return column.endsWith('_ms') && value > 1e11 ? toIso(value) : value;
  }
  return typeof value === 'string' ? value : null;
}

function compareModels(
  scratch: State,
  place: Place & { readonly fromMs: number },
): WindowDrift['models'] {
  const langfuse = totalsByModel(scratch, { ...place, schema: 'main' });
  const state = totalsByModel(scratch, { ...place, schema: 'live' });
  return [...new Set([...langfuse.keys(), ...state.keys()])]
    .toSorted()
    .map((model) => ({
      model,
      langfuse: langfuse.get(model) ?? noTotals,
      state: state.get(model) ?? noTotals,
    }))
    .filter(
      ({ langfuse: a, state: b }) =>
        a.attempts !== b.attempts || a.totalTokens !== b.totalTokens || a.costUsd !== b.costUsd,
    );
}

const noTotals: ModelTotals = { attempts: 0, totalTokens: null, costUsd: null };

function totalsByModel(
  scratch: State,
  place: { readonly source: string; readonly fromMs: number; readonly schema: 'main' | 'live' },
): Map<string, ModelTotals> {
  const rows = scratch.db
    .prepare(
      `SELECT model, COUNT(*) AS attempts, SUM(total_tokens) AS totalTokens, SUM(cost_usd) AS costUsd
       FROM ${place.schema}.facts WHERE source = ? AND window_from_ms = ? AND not_counted IS NULL GROUP BY model`,
    )
    .all(place.source, place.fromMs) as (ModelTotals & { model: string })[];
  return new Map(rows.map(({ model, ...totals }) => [model, totals]));
}

/** What counts in the given windows, on both sides. */
export function totalsOf(
  scratch: State,
  place: { readonly source: string; readonly windowStarts: readonly number[] },
): { readonly langfuse: ModelTotals; readonly state: ModelTotals } {
  const of = (schema: 'main' | 'live'): ModelTotals =>
    scratch.db
      .prepare(
        `SELECT COUNT(*) AS attempts, SUM(total_tokens) AS totalTokens, SUM(cost_usd) AS costUsd
         FROM ${schema}.facts WHERE source = ? AND not_counted IS NULL
           AND window_from_ms IN (SELECT value FROM json_each(?))`,
      )
      .get(place.source, JSON.stringify(place.windowStarts)) as ModelTotals;
  return { langfuse: of('main'), state: of('live') };
}

export function toWindow(fromMs: number, windowMs: number): Interval {
  return { fromMs: toInstant(fromMs), toMs: toInstant(fromMs + windowMs) };
}
