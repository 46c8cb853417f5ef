/** Describes anew every run that MLflow should hold for the checked windows, and finds its ledger entry. */
import { sessionsOfWindow } from '../store/aggregates.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import type { Ledger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import {
  describeRequests,
  describeSessions,
  describeWindow,
  type DescribedPoint,
} from '../sync/describe-window.ts';
import type { DescribedSource } from '../sync/described-source.ts';
import { findLeftSessions } from '../sync/left-sessions.ts';
import type { ExpectedRun } from './compare-run.ts';

export interface DescribedPlace {
  readonly state: State;
  readonly ledger: Ledger;
  readonly source: DescribedSource;
  readonly windowMs: number;
  readonly requestRuns: boolean;
}

/** Sessions described at once: each needs a handful of queries, and their specs are held together. */
const sessionsAtOnce = 200;

/**
 * Runs of the windows, then of the sessions that have a row in any of them and all of them left, each once. `onPoint` is told of the
 * trend points on the way. Throws INTERNAL when a window's numbers disagree with each other.
 */
export function* describeExpected(
  place: DescribedPlace,
  rows: readonly WindowRow[],
  onPoint: (described: DescribedPoint) => void,
): IterableIterator<ExpectedRun> {
  const { state, source } = place;
  const sessions = new Set<string>();
  for (const row of rows) {
    const described = describeWindow(place, row);
    yield toExpected(place, described.window);
    for (const trend of described.trends) onPoint(trend);
    for (const spec of [...described.models, ...described.dimensions])
      yield toExpected(place, spec);
    if (place.requestRuns) {
      for (const spec of describeRequests(state, source, toInterval(row)))
        yield toExpected(place, spec);
    }
    for (const id of sessionsOfWindow(state, source.projectId, row.from_ms)) sessions.add(id);
  }
  const left = findLeftSessions(place, { source: source.projectId, sessionIds: [...sessions] });
  const sessionIds = [...sessions].filter((id) => !left.has(id)).toSorted();
  for (let at = 0; at < sessionIds.length; at += sessionsAtOnce) {
    const some = sessionIds.slice(at, at + sessionsAtOnce);
    for (const spec of describeSessions(state, {
      source,
      windowMs: place.windowMs,
      sessionIds: some,
    })) {
      yield toExpected(place, spec);
    }
  }
}

function toExpected({ ledger }: DescribedPlace, spec: RunSpec): ExpectedRun {
  return {
    spec,
    entry: ledger.get(spec.key),
    parentRunId: spec.parentKey === null ? null : (ledger.get(spec.parentKey)?.runId ?? null),
  };
}
