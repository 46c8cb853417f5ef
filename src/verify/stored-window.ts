/** Which window and which subject a run of MLflow belongs to, from its own tags and params. Pure. */
import { grains, type Grain } from '../runs/run-spec.ts';
import { toDimensionSubject } from '../runs/to-dimension-run.ts';
import { grainTag, keyTag, sourceTag, windowTag } from '../runs/tags.ts';
import { allModels, toTrendKey } from '../runs/trend.ts';
import { parseInstant } from '../shared/time.ts';
import type { StoredRun } from '../sync/ports.ts';

/** Null for a run without the tag: a trend, or one that was tampered with. */
export function toStoredWindow(run: Pick<StoredRun, 'tags'>): number | null {
  return parseInstant(run.tags[windowTag] ?? '');
}

export function toStoredGrain(run: Pick<StoredRun, 'tags'>): Grain | null {
  return grains.find((grain) => grain === run.tags[grainTag]) ?? null;
}

/** Model (`allModels` for the trend over all of them), session id, identity of a request, or dimension and value; `''` for a window. Null when its params are gone. */
export function toStoredSubject(run: Pick<StoredRun, 'tags' | 'params'>): string | null {
  const { model, session_id: sessionId, trace_id: traceId, observation_id: id } = run.params;
  switch (toStoredGrain(run)) {
    case 'window':
      return '';
    case 'model':
      return model ?? null;
    case 'trend':
      return model ?? (isTrendOfAll(run) ? allModels : null);
    case 'session':
      return sessionId ?? null;
    case 'request':
      return traceId === undefined || id === undefined ? null : JSON.stringify([traceId, id]);
    case 'dimension':
      return toStoredDimension(run.params);
    case null:
      return null;
  }
}

/** It has no param `model`, as a trend that lost it; its key tells them apart. */
function isTrendOfAll({ tags }: Pick<StoredRun, 'tags'>): boolean {
  const source = tags[sourceTag];
  return source !== undefined && tags[keyTag] === toTrendKey({ source, model: allModels });
}

function toStoredDimension(params: StoredRun['params']): string | null {
  const { dimension, dimension_value: value, dimension_group: kind } = params;
  if (dimension === undefined || value === undefined) return null;
  if (kind !== 'value' && kind !== 'none' && kind !== 'other') return null;
  return toDimensionSubject(dimension, { kind, value });
}
