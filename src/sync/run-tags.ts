/** The tags of a run as it is published: those of its spec and those that the publisher owns. */
import { keyTag, parentTag, revisionTag, tableListTag } from '../runs/tags.ts';
import type { RunSpec } from '../runs/run-spec.ts';

/** Without hash and completion, which are written last. `parentRunId` is null for a run that nests under none. */
export function toRunTags(
  spec: RunSpec,
  place: { readonly parentRunId: string | null; readonly revision: number },
): Record<string, string> {
  const tables = spec.artifacts
    .filter((artifact) => artifact.isTable)
    .map((artifact) => ({ path: artifact.path, type: 'table' }));
  return {
    ...spec.tags,
    ...(tables.length > 0 ? { [tableListTag]: JSON.stringify(tables) } : {}),
    ...(place.parentRunId === null ? {} : { [parentTag]: place.parentRunId }),
    [keyTag]: spec.key,
    [revisionTag]: String(place.revision),
  };
}
