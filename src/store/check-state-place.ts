/** Looks whether the state file can be used, without making one. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { openExistingState, toStateError } from './open-state.ts';
import { findWideMode } from '../shared/private-file.ts';

/** A sentence about what was found. Throws STATE_UNUSABLE, STATE_BUSY or STATE_DISK. */
export function checkStatePlace(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) {
    using state = openExistingState(absolute);
    try {
      // Takes the lock that a writer needs, and writes nothing.
      state.db.exec('PRAGMA query_only = OFF; BEGIN IMMEDIATE; ROLLBACK');
    } catch (error) {
      throw toStateError(error, absolute);
    }
    const mode = findWideMode(absolute);
    return [
      `${absolute} opens and can be written`,
      ...(state.isMigrated ? [] : ['the next sync brings it to this version']),
      ...(mode === null
        ? []
        : [`other users of this machine may open it (mode ${mode}; chmod 600 ends that)`]),
    ].join('; ');
  }
  let folder = dirname(absolute);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw toStateError(error, absolute);
  }
  return `${absolute} does not exist yet; sync creates it`;
}
