/** Metrics of a window run that are counters of its reading, not aggregates over facts. */

/** The counters that reading and folding a window gives. */
export interface WindowCounters {
  readonly rowsRead: number;
  readonly duplicateRows: number;
  readonly doubleLogged: number;
  readonly syntheticRoots: number;
  readonly notGenerations: number;
  readonly otherOrigin: number;
  readonly quarantined: number;
}

export interface CounterMetric {
  readonly name: string;
  readonly value: (counters: WindowCounters) => number;
  readonly meaning: string;
  /**
   * True for what depends on how the window was read and not on what it holds: it never makes a new
   * revision by itself.
   */
  readonly isVolatile: boolean;
}

export const counterMetrics: readonly CounterMetric[] = [
  {
    name: 'rows_read',
    value: (counters) => counters.rowsRead,
    meaning: 'Observations that Langfuse sent for the window, repeated ones included.',
    isVolatile: true,
  },
  {
    name: 'duplicate_rows_dropped',
    value: (counters) => counters.duplicateRows,
    meaning: 'Repeated rows of the same generation; the newest was kept.',
    isVolatile: true,
  },
  {
    name: 'double_logged_dropped',
    value: (counters) => counters.doubleLogged,
    meaning: 'Calls that LiteLLM logged twice under different ids; one of each was kept.',
    isVolatile: false,
  },
  {
    name: 'rows_not_counted',
    value: (counters) => counters.syntheticRoots + counters.notGenerations + counters.otherOrigin,
    meaning: 'Rows that are no LiteLLM call: spans, synthetic roots, rows of other writers.',
    isVolatile: true,
  },
  {
    name: 'rows_quarantined',
    value: (counters) => counters.quarantined,
    meaning:
      'Rows that could not be read or understood. The window is incomplete by them; `status` names each.',
    isVolatile: false,
  },
];

export function toCounterMetrics(counters: WindowCounters): Map<string, number> {
  return new Map(counterMetrics.map((metric) => [metric.name, metric.value(counters)]));
}

/** Names that never make a new revision by themselves. */
export const volatileMetrics: ReadonlySet<string> = new Set(
  counterMetrics.filter((metric) => metric.isVolatile).map((metric) => metric.name),
);
