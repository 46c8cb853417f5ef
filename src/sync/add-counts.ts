import type { RunCounts } from '../shared/progress.ts';

/** The runs of both. */
export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return {
    created: a.created + b.created,
    updated: a.updated + b.updated,
    unchanged: a.unchanged + b.unchanged,
    deleted: a.deleted + b.deleted,
  };
}
