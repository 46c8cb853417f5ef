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

interface Bound {
  readonly what: string;
  readonly of: readonly [Value, Value] | readonly [Value];
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly unit: string;
}

interface Value {
  readonly contender: string;
  readonly of: (run: Measured) => number;
}

const wall = (contender: string): Value => ({ contender, of: (run) => run.wallMs });
const cpu = (contender: string): Value => ({ contender, of: (run) => run.cpuMs });

const bounds: readonly Bound[] = [
  {
    what: 'Reading, time against the wire alone',
    of: [wall('worker'), wall('wire')],
    atMost: 1.25,
    unit: 'times',
  },
  {
    what: 'Reading, faster than the naive v2 loop',
    of: [wall('naive v2'), wall('worker')],
    atLeast: 4,
    unit: 'times',
  },
  {
    what: 'Reading, faster than the naive legacy loop',
    of: [wall('naive legacy'), wall('worker')],
    atLeast: 20,
    unit: 'times',
  },
  {
    what: 'CPU of reading to folding against parse and sum',
    of: [cpu('worker'), cpu('parse and sum')],
    atMost: 2,
    unit: 'times',
  },
  {
    what: 'Peak memory without text',
    of: [{ contender: 'worker', of: (run) => run.peakBytes / 1e6 }],
    atMost: 300,
    unit: 'MB',
  },
  {
    what: 'Nothing new: time against reading the same windows',
    of: [wall('worker, again'), wall('worker')],
    atMost: 1.2,
    unit: 'times',
  },
  {
    what: 'Nothing new: writes to MLflow',
    of: [{ contender: 'worker, again', of: (run) => run.notes['writes'] ?? Number.NaN }],
    atMost: 0,
    unit: 'writes',
  },
  {
    what: 'Local store, milliseconds per run written, reading included',
    of: [
      {
        contender: 'worker, whole',
        of: (run) => run.wallMs / (run.notes['created'] ?? Number.NaN),
      },
    ],
    atMost: 1,
    unit: 'ms',
  },
  {
    what: 'Calls a second into an MLflow server, against a run per call',
    of: [
      { contender: 'worker, to a server', of: callRate },
      { contender: 'run per call', of: callRate },
    ],
    atLeast: 10,
    unit: 'times',
  },
];

/** Calls told of per second of the whole work. */
function callRate(run: Measured): number {
  return (1000 * (run.aggregates?.calls ?? run.notes['created'] ?? Number.NaN)) / run.wallMs;
}

export function compareTargets(runs: Runs): Target[] {
  return bounds.map((bound) => {
    const [first, second] = bound.of.map(({ contender, of }) =>
      median((runs.get(contender) ?? []).map(of)),
    );
    const value = (first ?? Number.NaN) / (second ?? 1);
    const isLow = bound.atMost !== undefined;
    const limit = bound.atMost ?? bound.atLeast ?? Number.NaN;
    return {
      what: bound.what,
      wanted: `${isLow ? 'at most' : 'at least'} ${limit} ${bound.unit}`,
      figure: Number.isNaN(value)
        ? 'not measured'
        : `${Number(value.toPrecision(3))} ${bound.unit}`,
      isMet: Number.isNaN(value) ? null : isLow ? value <= limit : value >= limit,
    };
  });
}
