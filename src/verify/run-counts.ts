/** `verify --mode counts`: holds Langfuse's own counts against the state file, in few requests. Reads no row. */
import { AppError } from '../shared/errors.ts';
import { dayMs, type Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import { assertSameProject } from '../sync/assert-same-project.ts';
import { keepLease } from '../sync/keep-lease.ts';
import type { ObservationCounts, ReaderKind } from '../sync/ports.ts';
import { alignDown } from '../sync/windows.ts';
import {
  compareCounts,
  isCallType,
  type CountedTotals,
  type CountsDifference,
  type StateCounts,
  type WindowCounts,
} from './compare-counts.ts';
import { planVerify, type VerifyParts, type VerifyRequest } from './run-verify.ts';

export interface CountsSummary {
  readonly projectId: string;
  readonly projectName: string | null;
  readonly span: Interval;
  readonly windows: number;
  /** Requests to the metrics API, repeated ones included. */
  readonly requests: number;
  readonly langfuse: CountedTotals;
  readonly state: CountedTotals;
  readonly differences: readonly CountsDifference[];
  /** Settled windows between read ones that were never read. */
  readonly unread: readonly Interval[];
  /** False when a row is gone, a window was never read, or rows or values differ and nothing known explains it. */
  readonly isClean: boolean;
  readonly elapsedMs: number;
}

/**
 * Takes the lease, so that no sync changes what is compared. Throws USAGE when there is nothing to compare,
 * STATE_BUSY, and AppError (LANGFUSE_*): LANGFUSE_UNSUPPORTED where the server has no metrics API.
 */
export async function runVerifyCounts(
  parts: Pick<VerifyParts, 'state' | 'source' | 'clock' | 'report' | 'signal' | 'holder'>,
  request: Pick<VerifyRequest, 'fromMs' | 'toMs'>,
): Promise<CountsSummary> {
  const { state, source, clock } = parts;
  const startedMs = clock.now();
  const { projectId, projectName, reader } = source.description;
  assertSameProject(state, projectId);
  using lease = keepLease(state, parts);
  const signal = AbortSignal.any([parts.signal, lease.signal]);
  const plan = planVerify(state, { source: projectId, request: { ...request, isRepair: false } });
  const { windowMs, rows } = plan;

  const before = source.traffic.requests;
  const bucket = windowMs % dayMs === 0 ? 'day' : 'hour';
  let counted: readonly ObservationCounts[];
  try {
    counted = await source.readCounts(plan.span, { bucket, signal });
  } catch (error) {
    // What a step says that was cut off is of no use; why it was cut off is.
    throw signal.reason instanceof AppError ? signal.reason : error;
  }
  const requests = source.traffic.requests - before;

  const theirs = groupBy(counted, (row) => alignDown(row.bucketMs, windowMs));
  const ours = groupBy(countState(state, projectId), (row) => row.windowFromMs);
  const differences = rows.flatMap((row) =>
    compareCounts(toWindowCounts(row, reader), {
      langfuse: theirs.get(row.from_ms) ?? [],
      state: ours.get(row.from_ms) ?? [],
    }),
  );
  const ofWindows = <Row>(byWindow: ReadonlyMap<number, readonly Row[]>): Row[] =>
    rows.flatMap((row) => byWindow.get(row.from_ms) ?? []);
  return {
    projectId,
    projectName,
    span: plan.span,
    windows: rows.length,
    requests,
    langfuse: sum(ofWindows(theirs).filter((row) => isCallType(row.type))),
    state: sum(ofWindows(ours)),
    differences,
    unread: plan.unread,
    isClean:
      plan.unread.length === 0 && differences.every(({ verdict }) => verdict === 'explained'),
    elapsedMs: clock.now() - startedMs,
  };
}

function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => number): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

/** All rows that were kept, calls that were logged twice included: Langfuse counts those too. */
function countState(state: State, source: string): StateCounts[] {
  return state.db
    .prepare(
      `SELECT window_from_ms AS windowFromMs, model_raw AS model, COUNT(*) AS rows, COUNT(DISTINCT id) AS ids,
         SUM(total_tokens) AS totalTokens, SUM(cost_usd) AS costUsd,
         COUNT(*) FILTER (WHERE usage_fault IS NOT NULL) AS otherTokens,
         COUNT(*) FILTER (WHERE cost_source = 'not_billed') AS notBilled
       FROM facts WHERE source = ? GROUP BY window_from_ms, model_raw`,
    )
    .all(source) as StateCounts[];
}

function toWindowCounts(row: WindowRow, reader: ReaderKind): WindowCounts {
  return {
    window: toInterval(row),
    notCalls: row.not_generations + row.other_origin,
    syntheticRoots: row.synthetic_roots,
    unreadable: row.unreadable,
    isSameReader: row.reader === reader,
  };
}

function sum(rows: readonly CountedTotals[]): CountedTotals {
  return {
    rows: rows.reduce((total, row) => total + row.rows, 0),
    totalTokens: sumOfKnown(rows.map((row) => row.totalTokens)),
    costUsd: sumOfKnown(rows.map((row) => row.costUsd)),
  };
}

function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
}
