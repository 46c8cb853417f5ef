/** The cells of a timeline as a report shows them. */
import type { Timeline, TimelineCell } from './figures.ts';
import type { Series } from './series.ts';

const dayMs = 86_400_000;

/** One cell per bucket and series; a sum of which nothing is known stays unknown. */
export function mergeCells(cells: readonly TimelineCell[], series: Series): TimelineCell[] {
  const merged = new Map<string, TimelineCell>();
  for (const cell of cells) {
    const model = series.nameOf(cell.model);
    const key = `${cell.bucket} ${model}`;
    const before = merged.get(key);
    merged.set(key, {
      bucket: cell.bucket,
      model,
      requests: (before?.requests ?? 0) + cell.requests,
      costUsd:
        cell.costUsd === null ? (before?.costUsd ?? null) : (before?.costUsd ?? 0) + cell.costUsd,
    });
  }
  return [...merged.values()];
}

export function toBucketName(bucketMs: number): string {
  if (bucketMs === 3_600_000) return 'hour';
  if (bucketMs === dayMs) return 'day';
  if (bucketMs === 7 * dayMs) return 'week';
  return bucketMs < 3_600_000 ? `${bucketMs / 60_000} minutes` : `${bucketMs / 3_600_000} hours`;
}

export function toTick(timeline: Timeline, bucket: number): string {
  const iso = new Date(timeline.fromMs + bucket * timeline.bucketMs).toISOString();
  if (timeline.bucketMs >= dayMs) return iso.slice(5, 10);
  const isOneDay = timeline.buckets * timeline.bucketMs <= dayMs;
  return isOneDay ? iso.slice(11, 16) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
}
