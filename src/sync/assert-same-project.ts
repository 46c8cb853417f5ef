import { AppError } from '../shared/errors.ts';
import type { State } from '../store/open-state.ts';
import { listSources } from '../store/windows.ts';

/** Throws LANGFUSE_WRONG_PROJECT when the state file belongs to another project than the keys. */
export function assertSameProject(state: State, projectId: string): void {
  const other = listSources(state).find((source) => source.source !== projectId);
  if (other === undefined) return;
  throw new AppError(
    'LANGFUSE_WRONG_PROJECT',
    `The keys belong to Langfuse project ${projectId}, but ${state.path} holds project ${other.name ?? other.source} (${other.source}).`,
  );
}
