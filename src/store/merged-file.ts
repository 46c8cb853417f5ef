/** Makes a state file whole or not at all: beside its place, and renamed into it when it is complete. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { openState, type State } from './open-state.ts';

/**
 * `make` fills a new file; when it throws, nothing is left. A process that dies in between leaves `PATH.merging`,
 * which the next one throws away. Nothing may be at `path`.
 */
export function makeStateFile(path: string, make: (state: State) => void): void {
  const draft = `${path}.merging`;
  remove(draft);
  try {
    fill(draft, make);
    syncFile(draft);
    // A log that a file of that name once left would be taken for this one's.
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    renameSync(draft, path);
    syncFile(dirname(path));
  } finally {
    if (existsSync(draft)) remove(draft);
  }
}

function fill(draft: string, make: (state: State) => void): void {
  using state = openState(draft);
  // A draft that is not whole is thrown away, whether or not it is on the disk.
  state.db.pragma('synchronous = OFF');
  make(state);
  state.db.pragma('wal_checkpoint(TRUNCATE)');
}

function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

function syncFile(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
