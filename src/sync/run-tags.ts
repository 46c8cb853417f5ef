/** The tags of a run as it is published: those of its spec and those that the publisher owns. */
import {
  keyTag,
  noteHashTag,
  noteTag,
  parentTag,
  revisionTag,
  tableListTag,
} from '../runs/tags.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { hashOf } from '../shared/hash.ts';
import type { Target } from './ports.ts';

type Tags = Readonly<Record<string, string>>;

/** Without hash and completion, which are written last. `parentRunId` is null for a run that nests under none. */
export function toRunTags(
  spec: RunSpec,
  place: { readonly parentRunId: string | null; readonly revision: number },
): Record<string, string> {
  const tables = spec.artifacts
    .filter((artifact) => artifact.isTable)
    .map((artifact) => ({ path: artifact.path, type: 'table' }));
  const note = spec.tags[noteTag];
  return {
    ...spec.tags,
    ...(note === undefined ? {} : { [noteHashTag]: toNoteHash(note) }),
    ...(tables.length > 0 ? { [tableListTag]: JSON.stringify(tables) } : {}),
    ...(place.parentRunId === null ? {} : { [parentTag]: place.parentRunId }),
    [keyTag]: spec.key,
    [revisionTag]: String(place.revision),
  };
}

/**
 * Tags to send so that a run that holds `stored` comes to hold `wanted`: only what differs. Tags of other writers
 * are not looked at. Of `written`, names of tags that the worker wrote before, those that are no longer wanted are
 * emptied. A note that a person changed stays theirs.
 */
export function toTagChanges(
  target: Pick<Target, 'toStoredForm'>,
  tags: { readonly wanted: Tags; readonly stored: Tags; readonly written: readonly string[] },
): Record<string, string> {
  const { wanted, stored } = tags;
  const vanished = tags.written.filter(
    (name) => wanted[name] === undefined && (stored[name] ?? '') !== '',
  );
  const kept = isNoteOfPerson(stored) ? new Set([noteTag, noteHashTag]) : new Set<string>();
  const inForm = target.toStoredForm({ name: '', params: {}, metrics: {}, tags: wanted }).tags;
  return {
    ...Object.fromEntries(
      Object.entries(inForm).filter(([name, value]) => stored[name] !== value && !kept.has(name)),
    ),
    ...Object.fromEntries(vanished.map((name) => [name, ''])),
  };
}

/**
 * True when the note of a run is not the one that the worker wrote last: both of its tags are written in one
 * call, which MLflow commits whole. A person who empties the note gets the worker's again.
 */
export function isNoteOfPerson(stored: Tags): boolean {
  const note = stored[noteTag] ?? '';
  const hash = stored[noteHashTag];
  return note !== '' && hash !== undefined && toNoteHash(note) !== hash;
}

/** Over what no MLflow changes: the beginning, since a long value is cut, without what can't be stored. */
function toNoteHash(note: string): string {
  return hashOf(note.replaceAll('\0', '').toWellFormed().slice(0, 4000));
}
