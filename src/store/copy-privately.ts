import type { State } from './open-state.ts';
import { makePrivateFile } from '../shared/private-file.ts';

/** Copies an open state to `path`, where nothing may be, for this user alone. Throws as SQLite does. */
export function copyPrivately(state: Pick<State, 'db'>, path: string): void {
  makePrivateFile(path);
  state.db.prepare('VACUUM INTO ?').run(path);
}
