/**
 * The rows of one sample project as they can be read at one instant. Tests edit it while a server
 * runs; every edit is seen by the next request.
 */
import { hash32 } from './prng.ts';
import type { SampleObservation, SampleScore, SampleTrace, SampleTraffic } from './sample-types.ts';

export interface ObservationRef {
  readonly traceId: string;
  readonly id: string;
}

/** The rows visible now. Observations are sorted by start, newest first, ties by trace hash and id. */
export interface SampleView {
  readonly observations: readonly SampleObservation[];
  readonly observationsByTrace: ReadonlyMap<string, readonly SampleObservation[]>;
  readonly traces: ReadonlyMap<string, SampleTrace>;
  /** Sorted by timestamp, newest first. */
  readonly scores: readonly SampleScore[];
  readonly scoreIdsByTrace: ReadonlyMap<string, readonly string[]>;
  /** Visible versions beyond the current one of each row: what a count without FINAL adds. */
  readonly supersededVersions: number;
}

export interface SampleStore {
  readonly project: { readonly id: string; readonly name: string };
  readonly nowMs: number;
  /** Moves the clock of the data: rows with `availableAtMs > nowMs` cannot be read. */
  setNow(nowMs: number): void;
  /** Changes with every edit, so that derived views can be cached. */
  readonly revision: number;
  view(): SampleView;
  replace(traffic: SampleTraffic): void;
  /** The current version of a row. Throws RangeError when there is none. */
  observation(ref: ObservationRef): SampleObservation;
  /** Adds a row, or a newer version of one. */
  putObservation(observation: SampleObservation): void;
  /** Adds a version with `change` applied, available at once, `updatedMs` one second later unless given. */
  changeObservation(ref: ObservationRef, change: Partial<SampleObservation>): SampleObservation;
  /** Removes a row with all its versions; Langfuse leaves no tombstone either. */
  deleteObservation(ref: ObservationRef): void;
  putTrace(trace: SampleTrace): void;
  changeTrace(traceId: string, change: Partial<SampleTrace>): SampleTrace;
  /** Removes a trace with its observations and scores. */
  deleteTrace(traceId: string): void;
  putScore(score: SampleScore): void;
  changeScore(id: string, change: Partial<SampleScore>): SampleScore;
  deleteScore(id: string): void;
}

const keyOf = (ref: ObservationRef): string => `${ref.traceId}\0${ref.id}`;

/** A store holding `traffic`; with no `nowMs` every row is visible. */
export function createSampleStore(
  traffic: SampleTraffic,
  nowMs = Number.POSITIVE_INFINITY,
): SampleStore {
  let project = traffic.project;
  let now = nowMs;
  let revision = 0;
  let cached: SampleView | null = null;
  const observations = new Map<string, SampleObservation[]>();
  const traces = new Map<string, SampleTrace[]>();
  const scores = new Map<string, SampleScore[]>();

  const touch = (): void => {
    revision++;
    cached = null;
  };
  const load = (next: SampleTraffic): void => {
    project = next.project;
    observations.clear();
    traces.clear();
    scores.clear();
    for (const row of next.observations) push(observations, keyOf(row), row);
    for (const row of next.traces) push(traces, row.id, row);
    for (const row of next.scores) push(scores, row.id, row);
    touch();
  };
  load(traffic);

  const currentOf = <T extends Versioned>(rows: Map<string, T[]>, key: string, what: string): T => {
    const current = newestVisible(rows.get(key) ?? [], now);
    if (!current)
      throw new RangeError(`the sample project has no ${what} ${key.replace('\0', ' ')}`);
    return current;
  };
  const addVersion = <T extends Versioned>(
    rows: Map<string, T[]>,
    key: string,
    next: { readonly current: T; readonly change: Partial<T> },
  ): T => {
    const version: T = {
      ...next.current,
      updatedMs: next.current.updatedMs + 1000,
      availableAtMs: Math.min(now, next.current.availableAtMs),
      ...next.change,
    };
    push(rows, key, version);
    touch();
    return version;
  };

  return {
    get project() {
      return project;
    },
    get nowMs() {
      return now;
    },
    get revision() {
      return revision;
    },
    setNow(next) {
      now = next;
      touch();
    },
    view() {
      cached ??= buildView({ observations, traces, scores, now });
      return cached;
    },
    replace: load,
    observation: (ref) => currentOf(observations, keyOf(ref), 'observation'),
    putObservation(observation) {
      push(observations, keyOf(observation), observation);
      touch();
    },
    changeObservation(ref, change) {
      const current = currentOf(observations, keyOf(ref), 'observation');
      return addVersion(observations, keyOf(ref), { current, change });
    },
    deleteObservation(ref) {
      currentOf(observations, keyOf(ref), 'observation');
      observations.delete(keyOf(ref));
      touch();
    },
    putTrace(trace) {
      push(traces, trace.id, trace);
      touch();
    },
    changeTrace: (traceId, change) =>
      addVersion(traces, traceId, { current: currentOf(traces, traceId, 'trace'), change }),
    deleteTrace(traceId) {
      currentOf(traces, traceId, 'trace');
      traces.delete(traceId);
      for (const [key, versions] of observations) {
        if (versions[0]?.traceId === traceId) observations.delete(key);
      }
      for (const [id, versions] of scores) {
        if (versions[0]?.traceId === traceId) scores.delete(id);
      }
      touch();
    },
    putScore(score) {
      push(scores, score.id, score);
      touch();
    },
    changeScore: (id, change) =>
      addVersion(scores, id, { current: currentOf(scores, id, 'score'), change }),
    deleteScore(id) {
      currentOf(scores, id, 'score');
      scores.delete(id);
      touch();
    },
  };
}

interface Versioned {
  readonly updatedMs: number;
  readonly availableAtMs: number;
}

function push<T>(rows: Map<string, T[]>, key: string, row: T): void {
  const versions = rows.get(key);
  if (versions) versions.push(row);
  else rows.set(key, [row]);
}

function newestVisible<T extends Versioned>(versions: readonly T[], now: number): T | null {
  let newest: T | null = null;
  for (const version of versions) {
    if (version.availableAtMs > now) continue;
    if (newest === null || version.updatedMs >= newest.updatedMs) newest = version;
  }
  return newest;
}

function buildView(rows: {
  readonly observations: ReadonlyMap<string, readonly SampleObservation[]>;
  readonly traces: ReadonlyMap<string, readonly SampleTrace[]>;
  readonly scores: ReadonlyMap<string, readonly SampleScore[]>;
  readonly now: number;
}): SampleView {
  let supersededVersions = 0;
  const current: SampleObservation[] = [];
  for (const versions of rows.observations.values()) {
    const newest = newestVisible(versions, rows.now);
    if (!newest) continue;
    current.push(newest);
    if (versions.length > 1) {
      supersededVersions += versions.filter((row) => row.availableAtMs <= rows.now).length - 1;
    }
  }
  current.sort(compareByPosition);

  const observationsByTrace = new Map<string, SampleObservation[]>();
  for (const row of current) push(observationsByTrace, row.traceId, row);

  const traces = new Map<string, SampleTrace>();
  for (const [id, versions] of rows.traces) {
    const newest = newestVisible(versions, rows.now);
    if (newest) traces.set(id, newest);
  }

  const scores: SampleScore[] = [];
  const scoreIdsByTrace = new Map<string, string[]>();
  for (const versions of rows.scores.values()) {
    const newest = newestVisible(versions, rows.now);
    if (newest) scores.push(newest);
  }
  scores.sort((a, b) => b.timestampMs - a.timestampMs || (a.id < b.id ? 1 : -1));
  for (const score of scores) {
    if (score.traceId !== null) push(scoreIdsByTrace, score.traceId, score.id);
  }

  return {
    observations: current,
    observationsByTrace,
    traces,
    scores,
    scoreIdsByTrace,
    supersededVersions,
  };
}

/** Where a row stands in the fixed order of the v2 list. */
export interface RowPosition {
  readonly startMs: number;
  readonly traceId: string;
  readonly id: string;
}

/** Negative when `a` comes before `b`: start, then a hash of the trace id, then the id, all descending (langfuse events.ts). */
export function compareByPosition(a: RowPosition, b: RowPosition): number {
  if (a.startMs !== b.startMs) return b.startMs - a.startMs;
  if (a.traceId !== b.traceId) {
    const difference = hash32(b.traceId) - hash32(a.traceId);
    if (difference !== 0) return difference;
  }
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}
