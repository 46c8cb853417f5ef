/**
 * Names of metrics, params and tags, as every MLflow from 2.10 takes them.
 *
 * The rule is `mlflow/utils/validation.py`: `^[/\w.\- :]*$`, at most 250 characters, and a normalised
 * relative path. A colon is taken only from 2.16 on and never by a server on Windows (mlflow/mlflow#12943),
 * so none is ever sent: a name must not change when the server is upgraded.
 */
import { createHash } from 'node:crypto';
import { countCodePoints, cutCodePoints } from './text.ts';

/** Characters (code points) of a metric, param or tag key. */
export const maxKeyLength = 250;

/** The tag that identifies a run of the product (docs/formats.md). */
export const keyTag = 'langfuse_mlflow.key';

const hashLength = 8;
// Python's \w on text is letters, numbers and underscore of all of Unicode.
const refusedCharacter = /[^\p{L}\p{N}_/.\- ]/gu;

/**
 * A key that MLflow takes, equal to `name` wherever `name` is one already. Anything else keeps its
 * readable part and ends in `_` and 8 hex digits of a hash of the whole name, so that two names stay two keys.
 * Idempotent; never throws.
 */
export function toMetricKey(name: string): string {
  const normalized = name.toWellFormed().normalize('NFC');
  if (isKey(normalized)) return normalized;
  const readable = normalized
    .replace(refusedCharacter, '_')
    .split('/')
    .map((segment) => segment.replace(/^\.+/, '_'))
    .filter((segment) => segment !== '')
    .join('/');
  const hash = createHash('sha256').update(normalized).digest('hex').slice(0, hashLength);
  const kept = cutCodePoints(readable, maxKeyLength - hashLength - 1).replace(/\/+$/, '');
  return `${kept}_${hash}`;
}

/** The same rule for a param's key. */
export function toParamKey(name: string): string {
  return toMetricKey(name);
}

/** The same rule for a tag's key. */
export function toTagKey(name: string): string {
  return toMetricKey(name);
}

function isKey(name: string): boolean {
  if (name === '' || countCodePoints(name) > maxKeyLength) return false;
  if (name.replace(refusedCharacter, '') !== name) return false;
  if (name.startsWith('..')) return false;
  return name.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
