/** Which window and which subject a run of MLflow belongs to, from its own tags and params. Pure. */
import { grains, type Grain } from '../runs/run-spec.ts';
import { grainTag, windowTag } from '../runs/tags.ts';
import { parseInstant } from '../shared/time.ts';
import type { StoredRun } from '../sync/ports.ts';

/** Null for a run without the tag: a trend, or one that was tampered with. */
export function toStoredWindow(run: Pick<StoredRun, 'tags'>): number | null {
  return parseInstant(run.tags[windowTag] ?? '');
}

export function toStoredGrain(run: Pick<StoredRun, 'tags'>): Grain | null {
  return grains.find((grain) => grain === run.tags[grainTag]) ?? null;
}

/** Model, session id or identity of a request; `''` for a window. Null when its params are gone. */
export function toStoredSubject(run: Pick<StoredRun, 'tags' | 'params'>): string | null {
  const { model, session_id: sessionId, trace_id: traceId, observation_id: id } = run.params;
  switch (toStoredGrain(run)) {
    case 'window':
      return '';
    case 'model':
    case 'trend':
      return model ?? null;
    case 'session':
      return sessionId ?? null;
    case 'request':
      return traceId === undefined || id === undefined ? null : JSON.stringify([traceId, id]);
    case null:
      return null;
  }
}
