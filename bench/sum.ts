/** Sums the calls among Langfuse's rows in memory, each once and in its newest version. */
import type { Aggregates } from './figures.ts';

/** The part of a row that is summed, as both APIs send it. */
export interface SummedRow {
  readonly id: string;
  readonly traceId?: string | null | undefined;
  readonly type: string;
  readonly startTime: string;
  readonly updatedAt?: string | null | undefined;
  readonly endTime?: string | null | undefined;
}

export function createSum(task: { readonly fromMs: number }): {
  add(row: SummedRow): void;
  total(): Aggregates;
} {
  const newest = new Map<
    string,
    { readonly updatedAt: string; readonly startMs: number; readonly durationMs: number }
  >();
  return {
    add(row) {
      if (row.type !== 'GENERATION') return;
      const identity = `${row.traceId ?? ''}/${row.id}`;
      const updatedAt = row.updatedAt ?? '';
      const known = newest.get(identity);
      if (known !== undefined && known.updatedAt > updatedAt) return;
      newest.set(identity, {
        updatedAt,
        startMs: Date.parse(row.startTime) - task.fromMs,
        durationMs: toDuration(row),
      });
    },
    total() {
      let startSumMs = 0;
      let durationSumMs = 0;
      for (const call of newest.values()) {
        startSumMs += call.startMs;
        durationSumMs += call.durationMs;
      }
      return { calls: newest.size, startSumMs, durationSumMs };
    },
  };
}

function toDuration({ startTime, endTime }: SummedRow): number {
  return typeof endTime === 'string' ? Date.parse(endTime) - Date.parse(startTime) : 0;
}
