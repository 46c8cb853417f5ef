/**
 * A second state beside the real one, into which windows are read again: it holds the same facts and no text, so
 * that rows are resolved as in the real one. The real one is attached to it as `live`, for comparing.
 */
import { rmSync } from 'node:fs';
import { openState, type State } from '../store/open-state.ts';

/** What resolving and folding a window looks at. */
const copiedTables = [
  'sources',
  'windows',
  'facts',
  'traces',
  'contents',
  'scores',
  'quarantine',
  'pruned_keys',
  'pruned_rows',
];

/** Opens it beside the state file and removes it when it is disposed. Throws STATE_DISK. */
export function openScratchState(live: State): State {
  const path = `${live.path}.verify`;
  removeFiles(path);
  const scratch = openState(path);
  try {
    scratch.db.prepare('ATTACH DATABASE ? AS live').run(live.path);
    scratch.db.transaction(() => {
      for (const table of copiedTables) {
        scratch.db.exec(`INSERT INTO main.${table} SELECT * FROM live.${table}`);
      }
    })();
  } catch (error) {
    scratch[Symbol.dispose]();
    removeFiles(path);
    throw error;
  }
  return {
    ...scratch,
    [Symbol.dispose]() {
      scratch[Symbol.dispose]();
      removeFiles(path);
    },
  };
}

/** Text that reading brought along: it has done its part once the window is folded. */
export function dropText(scratch: State): void {
  scratch.db.exec('DELETE FROM main.messages');
}

function removeFiles(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
}
