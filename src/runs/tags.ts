/** The tags and params of the contract in docs/formats.md. */
import { toWindowLabel, type Interval } from '../shared/time.ts';
import type { Grain } from './run-spec.ts';

export const tagPrefix = 'langfuse_mlflow.';

/** Tags that the publisher owns. */
export const keyTag = `${tagPrefix}key`;
export const hashTag = `${tagPrefix}hash`;
export const revisionTag = `${tagPrefix}revision`;
export const completeTag = `${tagPrefix}complete`;
export const parentTag = 'mlflow.parentRunId';
/** The description that MLflow shows at the top of a run. People may edit it. */
export const noteTag = 'mlflow.note.content';
/** Hash of the note that was written last, so that a person's is told from it. */
export const noteHashTag = `${tagPrefix}note`;
export const tableListTag = 'mlflow.loggedArtifacts';

export const grainTag = `${tagPrefix}grain`;
export const sourceTag = `${tagPrefix}source`;
export const windowTag = `${tagPrefix}window`;

/** Tags of every run. */
export function baseTags(run: {
  readonly grain: Grain;
  readonly source: string;
  readonly window: Interval | null;
  readonly note: string;
}): Record<string, string> {
  return {
    [grainTag]: run.grain,
    [sourceTag]: run.source,
    ...(run.window === null ? {} : { [windowTag]: toWindowLabel(run.window) }),
    ...(run.note === '' ? {} : { [noteTag]: run.note }),
    'mlflow.source.name': 'langfuse-mlflow',
    'mlflow.source.type': 'JOB',
    'mlflow.user': 'langfuse-mlflow',
  };
}

/** Drops entries whose value is null or empty: an unknown tag is absent. */
export function knownTags(tags: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(
      (entry): entry is [string, string] => entry[1] !== null && entry[1] !== '',
    ),
  );
}

/** `a, b, c (+2 more)`: a list that stays readable in a table cell. */
export function toListTag(values: readonly string[], most = 5): string {
  const shown = values.slice(0, most).join(', ');
  return values.length > most ? `${shown} (+${values.length - most} more)` : shown;
}
