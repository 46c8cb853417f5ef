/** The hops of a smoke: each is timed, and the first that fails is the smoke's failure. */
import type { Clock } from '../shared/clock.ts';
import { toAppError, type AppError } from '../shared/errors.ts';

export type HopName = 'litellm' | 'langfuse' | 'sync' | 'mlflow' | 'failure' | 'cleanup';

export interface Hop {
  readonly name: HopName;
  readonly ok: boolean;
  readonly elapsedMs: number;
  /** What was seen, or what failed. */
  readonly detail: string;
}

export interface HopResult<T> {
  readonly value: T;
  readonly detail: string;
}

export interface Hops {
  readonly done: readonly Hop[];
  readonly failures: readonly AppError[];
  /** Runs one hop; null after a failure. Throws the reason of an aborted signal. */
  run<T>(name: HopName, work: () => Promise<HopResult<T>>): Promise<T | null>;
}

export function createHops(around: { readonly clock: Clock; readonly signal: AbortSignal }): Hops {
  const { clock, signal } = around;
  const done: Hop[] = [];
  const failures: AppError[] = [];
  return {
    done,
    failures,
    run: async (name, work) => {
      const startedMs = clock.now();
      try {
        const { value, detail } = await work();
        done.push({ name, ok: true, elapsedMs: clock.now() - startedMs, detail });
        return value;
      } catch (caught) {
        if (signal.aborted) throw signal.reason;
        const failure = toAppError(caught);
        failures.push(failure);
        const elapsedMs = clock.now() - startedMs;
        done.push({ name: whereOf(failure, name), ok: false, elapsedMs, detail: failure.message });
        return null;
      }
    },
  };
}

/** The place that failed: a sync that can't reach Langfuse or MLflow is not what must be mended. */
function whereOf(failure: AppError, doing: HopName): HopName {
  if (doing === 'cleanup') return doing;
  if (failure.code.startsWith('MLFLOW_')) return 'mlflow';
  return failure.code.startsWith('LANGFUSE_') ? 'langfuse' : doing;
}
