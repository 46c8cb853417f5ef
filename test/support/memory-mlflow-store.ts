/**
 * The tables of an MLflow server in memory, with the semantics of its SQL store
 * (`mlflow/store/tracking/sqlalchemy_store.py`): what is unique, what is refused, and what a read shows.
 */
import { AppError } from '../../src/shared/errors.ts';
import { toDeletedExperiment } from '../../src/mlflow/experiments.ts';
import type { WireMetric, WirePair } from '../../src/mlflow/bodies.ts';

export interface MemoryExperiment {
  readonly experimentId: string;
  readonly name: string;
  isActive: boolean;
  readonly tags: Map<string, string>;
}

interface Point {
  readonly value: number;
  readonly step: number;
  readonly timestampMs: number;
}

export interface MemoryRun {
  readonly runId: string;
  readonly experimentId: string;
  name: string;
  status: string;
  readonly startMs: number;
  endMs: number | null;
  isActive: boolean;
  readonly tags: Map<string, string>;
  readonly params: Map<string, string>;
  /** Points of each metric by their tuple. */
  readonly points: Map<string, Map<string, Point>>;
  /** By path; a place outlives its run. */
  readonly artifacts: Map<string, Uint8Array>;
}

export class MemoryStore {
  readonly experiments = new Map<string, MemoryExperiment>();
  readonly runs = new Map<string, MemoryRun>();
  /** Run ids are random in MLflow; here they tell the order of creation, and nothing may depend on it. */
  runsMade = 0;

  clone(): MemoryStore {
    const copy = new MemoryStore();
    copy.runsMade = this.runsMade;
    for (const [id, experiment] of this.experiments)
      copy.experiments.set(id, { ...experiment, tags: new Map(experiment.tags) });
    for (const [id, run] of this.runs) {
      copy.runs.set(id, {
        ...run,
        tags: new Map(run.tags),
        params: new Map(run.params),
        points: new Map([...run.points].map(([key, points]) => [key, new Map(points)])),
        artifacts: new Map(run.artifacts),
      });
    }
    return copy;
  }

  findExperiment(name: string): MemoryExperiment | null {
    return [...this.experiments.values()].find((experiment) => experiment.name === name) ?? null;
  }

  /** Names are unique, those of deleted experiments too. */
  createExperiment(name: string): void {
    if (this.findExperiment(name) !== null)
      throw toRejected(`Experiment(name=${name}) already exists.`);
    const experimentId = String(this.experiments.size + 1);
    this.experiments.set(experimentId, { experimentId, name, isActive: true, tags: new Map() });
  }

  /** Always a new run: an id can't be chosen. */
  createRun(run: {
    readonly experimentId: string;
    readonly name: string;
    readonly startMs: number;
    readonly tags: readonly WirePair[];
  }): MemoryRun {
    const experiment = this.experiments.get(run.experimentId);
    if (experiment === undefined) throw toRejected(`No Experiment with id=${run.experimentId}.`);
    if (!experiment.isActive) throw toDeletedExperiment(experiment);
    this.runsMade += 1;
    const made: MemoryRun = {
      // Not in the order of creation, so that a lucky sort hides nothing.
      runId: `${((this.runsMade * 7919) % 9973).toString(16).padStart(4, '0')}${this.runsMade.toString(16).padStart(28, '0')}`,
      experimentId: run.experimentId,
      name: run.name,
      status: 'RUNNING',
      startMs: run.startMs,
      endMs: null,
      isActive: true,
      tags: new Map([['mlflow.runName', run.name]]),
      params: new Map(),
      points: new Map(),
      artifacts: new Map(),
    };
    for (const { key, value } of run.tags) made.tags.set(key, value);
    this.runs.set(made.runId, made);
    return made;
  }

  /** Throws MLFLOW_REJECTED for a run that is not there or was deleted. */
  activeRun(runId: string): MemoryRun {
    const run = this.runs.get(runId);
    if (run === undefined) throw toRejected(`Run with id=${runId} not found`);
    if (!run.isActive) throw toRejected(`The run ${runId} must be in the 'active' state.`);
    return run;
  }

  /** One transaction: a param that would change refuses all of them. */
  addParams(runId: string, params: readonly WirePair[]): void {
    const run = this.activeRun(runId);
    for (const { key, value } of params) {
      const stored = run.params.get(key);
      if (stored !== undefined && stored !== value)
        throw toRejected(`Changing param values is not allowed: ${key}.`);
    }
    for (const { key, value } of params) run.params.set(key, value);
  }

  /** A tuple that is there already is no change; another value at the same step and time is a second point. */
  addPoints(runId: string, metrics: readonly WireMetric[]): void {
    const run = this.activeRun(runId);
    for (const { key, value, step, timestamp } of metrics) {
      const points = run.points.get(key) ?? new Map<string, Point>();
      points.set(`${step} ${timestamp} ${value}`, {
        value: Number(value),
        step,
        timestampMs: timestamp,
      });
      run.points.set(key, points);
    }
  }

  setTags(runId: string, tags: readonly WirePair[]): void {
    const run = this.activeRun(runId);
    for (const { key, value } of tags) {
      run.tags.set(key, value);
      if (key === 'mlflow.runName') run.name = value;
    }
  }

  /** Repeated calls are answered like the first. */
  deleteRun(runId: string): void {
    const run = this.runs.get(runId);
    if (run === undefined) throw toRejected(`Run with id=${runId} not found`);
    run.isActive = false;
  }
}

/** What MLflow shows: the greatest by (step, timestamp, value); NaN is stored as 0 with a mark. */
export function latestOf(points: ReadonlyMap<string, Point>): number {
  let latest: Point | null = null;
  for (const point of points.values()) {
    if (latest === null || isLater(point, latest)) latest = point;
  }
  return latest?.value ?? Number.NaN;
}

/** The latest value of each step, as a chart over steps shows it; NaN points are left out of a chart. */
export function latestOfSteps(points: ReadonlyMap<string, Point>): Map<number, number> {
  const steps = new Map<number, Point>();
  for (const point of points.values()) {
    const latest = steps.get(point.step);
    if (latest === undefined || isLater(point, latest)) steps.set(point.step, point);
  }
  return new Map([...steps].map(([step, point]) => [step, point.value]));
}

function isLater(a: Point, b: Point): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs;
  return (Number.isNaN(a.value) ? 0 : a.value) > (Number.isNaN(b.value) ? 0 : b.value);
}

function toRejected(message: string): AppError {
  return new AppError('MLFLOW_REJECTED', message, { details: { status: 400 } });
}
