/** What people wrote is in these files: no other user of the machine may open them, whatever the umask. */
import { chmodSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyState } from '../../src/backup/copy-state.ts';
import { checkStatePlace } from '../../src/store/check-state-place.ts';
import { copyPrivately } from '../../src/store/copy-privately.ts';
import { makeStateFile } from '../../src/store/merged-file.ts';
import { openState } from '../../src/store/open-state.ts';
import { openScratchState } from '../../src/verify/scratch-state.ts';
import { openTempFolder } from '../support/temp-folder.ts';

/** `{name: '600'}` of every file in a folder. */
const modesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      (statSync(join(folder, name)).mode & 0o777).toString(8),
    ]),
  );

/** The modes that each file of a folder had until `work` was done. */
async function watchModes(
  folder: string,
  work: Promise<unknown>,
): Promise<Map<string, Set<string>>> {
  const seen = new Map<string, Set<string>>();
  const look = async (): Promise<'looked'> => {
    for (const [name, mode] of Object.entries(modesIn(folder))) {
      seen.set(name, (seen.get(name) ?? new Set()).add(mode));
    }
    return setImmediate('looked');
  };
  while ((await Promise.race([work, look()])) === 'looked');
  return seen;
}

describe('files with what people wrote', () => {
  let umask: number;
  beforeAll(() => {
    umask = process.umask(0);
  });
  afterAll(() => {
    process.umask(umask);
  });

  it('the state file and its log', () => {
    using folder = openTempFolder();
    using state = openState(join(folder.path, 'state.db'));
    expect(state.db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(modesIn(folder.path)).toEqual({
      'state.db': '600',
      'state.db-shm': '600',
      'state.db-wal': '600',
    });
  });

  it('its copies: for verify, for a backup, for merge', async () => {
    using folder = openTempFolder();
    const path = join(folder.path, 'state.db');
    using state = openState(path);
    {
      using scratch = openScratchState(state);
      expect(modesIn(folder.path)).toMatchObject({ 'state.db.verify': '600' });
      expect(scratch.path).toBe(`${path}.verify`);
    }
    copyPrivately(state, `${path}.restored`);
    makeStateFile(join(folder.path, 'merged.db'), () => undefined);
    const copying = copyState(path, { lineage: 'l', generation: 1, writer: 'w' });
    // Before it is compressed it is a file of its own.
    const seen = await watchModes(folder.path, copying);
    await using copy = await copying;
    expect(copy.path).toBe(`${path}.copy.gz`);
    expect(seen.get('state.db.copy')).toEqual(new Set(['600']));
    expect(modesIn(folder.path)).toEqual({
      'state.db': '600',
      'state.db-shm': '600',
      'state.db-wal': '600',
      'state.db.restored': '600',
      'state.db.copy.gz': '600',
      'merged.db': '600',
    });
  });

  it('one that is there keeps the permissions that somebody chose, and doctor says what they allow', () => {
    using folder = openTempFolder();
    const path = join(folder.path, 'state.db');
    openState(path)[Symbol.dispose]();
    expect(checkStatePlace(path)).toBe(`${path} opens and can be written`);
    chmodSync(path, 0o640);
    openState(path)[Symbol.dispose]();
    expect(checkStatePlace(path)).toBe(
      `${path} opens and can be written; other users of this machine may open it (mode 0640; chmod 600 ends that)`,
    );
  });

  it('is made private where a link leads, too', () => {
    using folder = openTempFolder();
    using volume = openTempFolder();
    symlinkSync(join(volume.path, 'state.db'), join(folder.path, 'state.db'));
    openState(join(folder.path, 'state.db'))[Symbol.dispose]();
    expect(modesIn(volume.path)).toEqual({ 'state.db': '600' });
  });
});
