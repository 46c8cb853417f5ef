import type { Metrics } from './figures.ts';

/** Sums of metrics that add up; what no group knows stays unknown. */
export function sumMetrics(groups: readonly Metrics[]): Metrics {
  const sums = new Map<string, number>();
  for (const group of groups) {
    for (const [name, value] of group) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}
