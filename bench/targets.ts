/** The targets, each beside the figure that was measured. Nothing fails where one is missed: the reader sees it. */
import { median, type Measured } from './figures.ts';

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly figure: string;
  /** Null where this run did not measure it. */
  readonly isMet: boolean | null;
}

export type Runs = ReadonlyMap<string, readonly Measured[]>;

/** One figure of a contender, or the ratio of two. */
type Ratio = readonly [Value, Value] | readonly [Value];

interface Bound {
  readonly what: string;
  /** Null: nothing measures it yet; `without` says why. */
  readonly of: Ratio | null;
  readonly atMost?: number;
  readonly below?: number;
  readonly atLeast?: number;
  readonly unit: string;
  /** What the figure can't pass whatever the worker does, and what that is. */
  readonly boundedBy?: { readonly of: Ratio; readonly what: string };
  /** What is missing where there is no figure. */
  readonly without?: string;
}

interface Value {
  readonly contender: string;
  readonly of: (run: Measured) => number;
}

const wall = (contender: string): Value => ({ contender, of: (run) => run.wallMs });
const cpu = (contender: string): Value => ({ contender, of: (run) => run.cpuMs });
const peak = (contender: string): Value => ({ contender, of: (run) => run.peakBytes / 1e6 });
const note = (contender: string, name: string, scale = 1): Value => ({
  contender,
  of: (run) => (run.notes[name] ?? Number.NaN) * scale,
});

/** Names of the worker's runs over other traffic than that of the rounds. */
export const limitedWorker = 'worker, limited';
export const workerOf = (rows: number): string => `worker, ${rows.toLocaleString('en')} rows`;
export const aggregateOf = (facts: number): string =>
  `aggregate ${facts.toLocaleString('en')} facts`;

const inFull = 'only with `--full`';
const withServer = 'only with `--mlflow`';

const bounds: readonly Bound[] = [
  {
    what: 'Reading, time against the wire alone over the same slices',
    of: [wall('worker'), wall('wire')],
    atMost: 1.25,
    unit: 'times',
    boundedBy: { of: [wall('parse and sum'), wall('wire')], what: 'parse and sum' },
  },
  {
    what: 'Reading, faster than the naive v2 loop',
    of: [wall('naive v2'), wall('worker')],
    atLeast: 4,
    unit: 'times',
    boundedBy: { of: [wall('naive v2'), wall('parse and sum')], what: 'parse and sum' },
  },
  {
    what: 'Reading, faster than the naive legacy loop',
    of: [wall('naive legacy'), wall('worker')],
    atLeast: 20,
    unit: 'times',
    boundedBy: { of: [wall('naive legacy'), wall('parse and sum')], what: 'parse and sum' },
  },
  {
    what: 'Rate-limited: requests against the permitted ones of that time',
    of: [{ contender: limitedWorker, of: permittedShare }],
    atLeast: 0.9,
    unit: 'of them',
  },
  {
    what: 'Rate-limited: requests answered 429',
    of: [{ contender: limitedWorker, of: (run) => (100 * run.limited) / run.requests }],
    below: 1,
    unit: '%',
  },
  {
    what: 'CPU a row of reading, understanding, staging and folding, against parse and sum',
    of: [cpu('worker'), cpu('parse and sum')],
    atMost: 2,
    unit: 'times',
  },
  {
    what: 'Peak memory at 1,000,000 rows against that at 100,000',
    of: [peak(workerOf(1_000_000)), peak(workerOf(100_000))],
    atMost: 1.3,
    unit: 'times',
    without: inFull,
  },
  {
    what: 'Peak memory at 1,000,000 rows, without text',
    of: [peak(workerOf(1_000_000))],
    below: 300,
    unit: 'MB',
    without: inFull,
  },
  {
    what: 'Aggregating 1,000,000 facts, all metrics, all grains: CPU',
    of: [note(aggregateOf(1_000_000), 'aggregateCpuMs', 1 / 1000)],
    below: 10,
    unit: 's',
    without: inFull,
  },
  {
    what: 'Seeing by hash that a lookback of windows is unchanged',
    of: [note('unchanged windows, again', 'skipMs', 1 / 1000)],
    below: 1,
    unit: 's',
  },
  {
    what: 'Publishing: calls a run beside artifacts',
    of: [{ contender: 'worker, whole', of: callsARun }],
    atMost: 3,
    unit: 'calls',
  },
  {
    what: 'Publishing: calls for runs that did not change',
    of: [note('worker, again', 'writes')],
    atMost: 0,
    unit: 'calls',
  },
  {
    what: 'Publishing, runs a second against what the MLflow server can take at its best concurrency, found by itself',
    of: null,
    atLeast: 0.9,
    unit: 'times',
    without: 'the concurrency is a setting that only goes down where the server refuses',
  },
  {
    what: 'Publishing, calls told of a second against a run per request',
    of: [
      { contender: 'worker, to a server', of: callRate },
      { contender: 'run per call', of: callRate },
    ],
    atLeast: 10,
    unit: 'times',
    without: withServer,
  },
  {
    what: 'Local store: 10,000 runs of 20 metrics',
    of: [note('local store', 'localMs', 1 / 1000)],
    below: 10,
    unit: 's',
  },
  {
    what: 'A night with nothing new: time against reading the lookback',
    of: [wall('worker, again'), wall('worker')],
    atMost: 1.2,
    unit: 'times',
  },
  {
    what: 'A night with nothing new: writes to MLflow',
    of: [note('worker, again', 'writes')],
    atMost: 0,
    unit: 'writes',
  },
  {
    what: 'A night with nothing new, with a cheap check of what changed',
    of: null,
    below: 0.1,
    unit: 'of reading the lookback',
    without: '`sync` has no such check: it reads the lookback',
  },
  {
    what: '`--help`: CPU of the process',
    of: [cpu('--help')],
    below: 250,
    unit: 'ms',
  },
];

/** Answered requests over what the limit, which counts by the minute, allows in the minutes that were begun. */
function permittedShare(run: Measured): number {
  const allowed = (run.notes['perMinute'] ?? Number.NaN) * Math.ceil(run.wallMs / 60_000);
  return (run.requests - run.limited) / allowed;
}

function callsARun({ notes }: Measured): number {
  const { writes = Number.NaN, artifacts = Number.NaN, created = 0, updated = 0 } = notes;
  return (writes - artifacts) / (created + updated);
}

/** Calls told of per second of the whole work. */
function callRate(run: Measured): number {
  return (1000 * (run.aggregates?.calls ?? run.notes['created'] ?? Number.NaN)) / run.wallMs;
}

export function compareTargets(runs: Runs): Target[] {
  return bounds.map((bound) => {
    const value = bound.of === null ? Number.NaN : toFigure(runs, bound.of);
    const limits = [
      { limit: bound.atMost, word: 'at most', holds: (limit: number) => value <= limit },
      { limit: bound.below, word: 'under', holds: (limit: number) => value < limit },
      { limit: bound.atLeast, word: 'at least', holds: (limit: number) => value >= limit },
    ].flatMap(({ limit, ...rest }) => (limit === undefined ? [] : [{ limit, ...rest }]));
    return {
      what: bound.what,
      wanted: limits.map(({ word, limit }) => `${word} ${limit} ${bound.unit}`).join(', '),
      figure: renderFigure(runs, bound, value),
      isMet: Number.isNaN(value) ? null : limits.every(({ limit, holds }) => holds(limit)),
    };
  });
}

function toFigure(runs: Runs, [first, second]: Ratio): number {
  const at = ({ contender, of }: Value): number => median((runs.get(contender) ?? []).map(of));
  return second === undefined ? at(first) : at(first) / at(second);
}

function renderFigure(runs: Runs, bound: Bound, value: number): string {
  if (Number.isNaN(value))
    return `not measured${bound.without === undefined ? '' : `: ${bound.without}`}`;
  const figure = `${Number(value.toPrecision(3))} ${bound.unit}`;
  if (bound.boundedBy === undefined) return figure;
  const { of, what } = bound.boundedBy;
  return `${figure} (${what}: ${Number(toFigure(runs, of).toPrecision(3))})`;
}
