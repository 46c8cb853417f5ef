/** The deterministic identity of a run: the same thing gets the same key on every machine and every run. */
import { hashOf } from '../shared/hash.ts';
import type { Grain } from './run-spec.ts';

/**
 * 32 hex characters over the Langfuse project, the grain and what the run stands for. Only hex, since MLflow's
 * search has no escaping for quotes in values.
 */
export function toRunKey(identity: {
  readonly source: string;
  readonly grain: Grain;
  /** Start and end of the window for window, model and dimension runs. */
  readonly window?: { readonly fromMs: number; readonly toMs: number };
  /** Model, session id, trace id and generation id, or dimension and value (`toDimensionSubject`). */
  readonly subject?: string;
}): string {
  return hashOf([
    'langfuse-mlflow',
    identity.source,
    identity.grain,
    identity.window?.fromMs ?? null,
    identity.window?.toMs ?? null,
    identity.subject ?? null,
  ]);
}
