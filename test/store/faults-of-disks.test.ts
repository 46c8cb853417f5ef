import { describe, expect, it } from 'vitest';
import { toStateError, openState } from '../../src/store/open-state.ts';
import { refuseNetworkDisk } from '../../src/store/network-disk.ts';
import { openTempFolder } from '../support/temp-folder.ts';

function failureOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

describe('disks that fail', () => {
  it('refuses a network disk and names the choice', () => {
    expect(() => refuseNetworkDisk('/data/state.db', () => ({ type: 0x6969 }))).toThrow(
      /network disk \(NFS\).*SYNC_STATE_FILE/s,
    );
    // CIFS has the sign bit of a 32-bit number, which some platforms give as a negative one.
    expect(() => refuseNetworkDisk('/data/state.db', () => ({ type: 0xff534d42 | 0 }))).toThrow(
      /CIFS/,
    );
  });

  it('takes a local disk', () => {
    using folder = openTempFolder();
    expect(failureOf(() => refuseNetworkDisk(`${folder.path}/state.db`))).toBeNull();
  });

  it('tells a full disk, and keeps what was there', () => {
    using folder = openTempFolder();
    const path = `${folder.path}/state.db`;
    using state = openState(path);
    // SQLite's own limit gives the same SQLITE_FULL as a disk without room.
    state.db.pragma(
      `max_page_count = ${Number(state.db.pragma('page_count', { simple: true })) + 2}`,
    );
    const put = state.db.prepare('INSERT INTO messages VALUES (?, ?)');
    const failure = failureOf(() => {
      for (let n = 0; n < 100; n += 1) put.run(Buffer.from(String(n)), Buffer.alloc(4000));
    });
    expect(toStateError(failure, path)).toMatchObject({ code: 'STATE_DISK', exitCode: 75 });
    expect(state.db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('tells a file that may only be read', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    state.db.pragma('query_only = ON');
    const failure = failureOf(() => state.db.exec("INSERT INTO messages VALUES (x'00', x'00')"));
    expect(toStateError(failure, state.path)).toMatchObject({ code: 'STATE_DISK' });
  });
});
