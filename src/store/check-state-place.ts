/** Looks whether the state file can be used, without making one. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { openState, toStateError } from './open-state.ts';

/** A sentence about what was found. Throws STATE_UNUSABLE, STATE_BUSY or STATE_DISK. */
export function checkStatePlace(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) {
    using state = openState(absolute);
    state.db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return `${absolute} opens and can be written`;
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
