/** Attributes of a trace, from the legacy trace object or gathered from rows of the v2 API. Pure. */
import type { z } from 'zod';
import { isSyntheticRoot, type Observation, type TraceAttributes } from '../shared/observation.ts';
import { decodeMetadata } from './decode.ts';
import type { traceSchema } from './wire-schemas.ts';

export function toTraceAttributes(row: z.infer<typeof traceSchema>): TraceAttributes {
  return {
    traceId: row.id,
    timestampMs: row.timestamp,
    updatedMs: row.updatedAt,
    name: row.name,
    userId: row.userId,
    sessionId: row.sessionId,
    tags: row.tags,
    environment: row.environment,
    release: row.release,
    version: row.version,
    metadata: decodeMetadata(row.metadata),
  };
}

/** A v2 row, and whether Langfuse calls it a logical root of its trace (a parent that dangles is allowed: langfuse/langfuse#14868). */
export interface TraceRow {
  readonly observation: Observation;
  readonly isRoot: boolean;
}

/**
 * One {@link TraceAttributes} for each trace of these rows. Langfuse 4 has no trace object: the synthetic row
 * `t-<traceId>` carries its attributes where there is one, else the root, and only rows that were stamped by the
 * client carry any (gooyoung/pi-langfuse#27). So: the synthetic row first, then roots, then the others, and for
 * each attribute the first that is not empty.
 *
 * Rows of one trace may lie on other pages. What was gathered without a root has `updatedMs` null, so that under
 * "newest `updatedMs` wins" it never displaces what a root said.
 */
export function gatherTraceAttributes(rows: readonly TraceRow[]): TraceAttributes[] {
  const byTrace = new Map<string, TraceRow[]>();
  for (const row of rows) {
    const { traceId } = row.observation;
    if (traceId === '') continue;
    const known = byTrace.get(traceId);
    if (known) known.push(row);
    else byTrace.set(traceId, [row]);
  }
  return [...byTrace.values()].map(gatherOne);
}

function gatherOne(rows: readonly TraceRow[]): TraceAttributes {
  const ranked = rows.toSorted(
    (a, b) => toRank(a) - toRank(b) || a.observation.startMs - b.observation.startMs,
  );
  const [best] = ranked as [TraceRow, ...TraceRow[]];
  const hasRoot = toRank(best) < 2;
  const first = <T>(pick: (row: TraceRow) => T | null): T | null => {
    for (const row of ranked) {
      const value = pick(row);
      if (value !== null) return value;
    }
    return null;
  };
  const root = best.observation;
  return {
    traceId: root.traceId,
    timestampMs: root.startMs,
    updatedMs: hasRoot ? (root.updatedMs ?? root.createdMs ?? root.startMs) : null,
    name: first((row) => row.observation.traceName) ?? (hasRoot ? root.name : null),
    userId: first((row) => row.observation.userId),
    sessionId: first((row) => row.observation.sessionId),
    tags: first((row) => (row.observation.tags.length > 0 ? row.observation.tags : null)) ?? [],
    environment: first((row) => row.observation.environment),
    release: first((row) => row.observation.release),
    version: first((row) => row.observation.version),
    metadata: hasRoot ? root.metadata : {},
  };
}

function toRank(row: TraceRow): number {
  if (isSyntheticRoot(row.observation)) return 0;
  return row.isRoot ? 1 : 2;
}
