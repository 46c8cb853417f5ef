/**
 * What MLflow takes, and every value brought within it before it is sent.
 *
 * MLflow answers 200 and silently drops or cuts what does not fit: a number where a string belongs empties
 * the field and loses all after it, a fractional time becomes 0, a long value is truncated
 * (`mlflow/server/handlers.py` swallows the parse error; `mlflow/utils/validation.py` holds the limits).
 * The smallest limit of all servers from 2.10 on is used everywhere: a value must not change when a server
 * is upgraded, and a content hash must not depend on one.
 */
import { AppError } from '../shared/errors.ts';
import { countCodePoints, toCleanText, toLimitedText } from './text.ts';

/** Code points of a param's value. */
export const maxParamValueLength = 6000;
/** Code points of a tag's value (MLflow 2.10; newer servers take 8000). */
export const maxTagValueLength = 5000;
export const maxRunNameLength = 250;
/** The database column; the server's own check stops only at 500. */
export const maxExperimentNameLength = 256;
/** `runs.artifact_uri` is a VARCHAR(200). */
export const maxArtifactUriLength = 200;

/** One `runs/log-batch` call. */
export const batchLimits = {
  metrics: 1000,
  params: 100,
  tags: 100,
  total: 1000,
  /** Bytes of JSON; the documented megabyte less what the envelope needs. */
  bytes: 950_000,
} as const;

/** A param's value, cut to 6000 characters with an ellipsis. */
export function toParamValue(value: string): string {
  return toLimitedText(value, maxParamValueLength);
}

/** A tag's value, cut to 5000 characters with an ellipsis. Use {@link renderLoggedArtifacts} for the one tag that is JSON. */
export function toTagValue(value: string): string {
  return toLimitedText(value, maxTagValueLength);
}

/** A run's name, cut to 250 characters; never empty, since MLflow would invent a random one. */
export function toRunName(name: string): string {
  const text = toLimitedText(name, maxRunNameLength);
  return text === '' ? '(unnamed)' : text;
}

/**
 * The name of an experiment. Throws SETTINGS_INVALID when it is empty or longer than 256 characters: a cut
 * name would be another experiment.
 */
export function toExperimentName(name: string): string {
  const text = toCleanText(name);
  const length = countCodePoints(text);
  if (text.trim() === '' || length > maxExperimentNameLength) {
    throw new AppError(
      'SETTINGS_INVALID',
      `MLFLOW_EXPERIMENT_NAME must be 1 to ${maxExperimentNameLength} characters long; it has ${length}.`,
    );
  }
  return text;
}

/** A finite number, or NaN to retract. Throws INTERNAL on an infinite one: MLflow would store ±1.8e308 as if measured. */
export function toMetricValue(value: number): number {
  if (value === Infinity || value === -Infinity) {
    throw new AppError('INTERNAL', `An infinite metric value can't be written to MLflow.`);
  }
  // Adding 0 turns -0 into 0: it is the same number, but not the same row.
  return value + 0;
}

/** An integer step. Throws INTERNAL on anything else: MLflow would store 0. */
export function toStep(step: number): number {
  return toInteger(step, 'step');
}

/** Epoch milliseconds, an integer of at least 0. Throws INTERNAL on anything else: MLflow would store 0. */
export function toTimeMs(timeMs: number): number {
  const integer = toInteger(timeMs, 'time');
  if (integer < 0)
    throw new AppError('INTERNAL', `A time before 1970 can't be written to MLflow: ${timeMs}.`);
  return integer;
}

function toInteger(value: number, what: string): number {
  const integer = Math.trunc(value) + 0;
  if (!Number.isSafeInteger(integer)) {
    throw new AppError('INTERNAL', `Not a ${what} that MLflow can store: ${value}.`);
  }
  return integer;
}

/**
 * The value of the tag `mlflow.loggedArtifacts`, by which MLflow's UI finds tables
 * (`mlflow/tracking/client.py`, `log_table`). As many of `paths` as fit in a tag, in order, so that it always
 * stays JSON.
 */
export function renderLoggedArtifacts(paths: readonly string[]): string {
  const entries: { path: string; type: 'table' }[] = [];
  let text = '[]';
  for (const path of paths) {
    entries.push({ path: toCleanText(path), type: 'table' });
    const longer = JSON.stringify(entries);
    if (countCodePoints(longer) > maxTagValueLength) return text;
    text = longer;
  }
  return text;
}
