/** Tells a state file on a network disk, where SQLite's locks and its write-ahead log can't be trusted. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../shared/errors.ts';

/** `f_type` of statfs(2), from the `*_SUPER_MAGIC` of linux/magic.h and statfs's manual page. */
const networkDisks: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);

/** Throws STATE_UNUSABLE, with the choices there are, when the folder of `path` lies on a network disk. */
export function refuseNetworkDisk(
  path: string,
  statfs: (folder: string) => { readonly type: number } = statfsSync,
): void {
  const kind = networkDisks.get(statfs(dirname(path)).type >>> 0);
  if (kind === undefined) return;
  throw new AppError(
    'STATE_UNUSABLE',
    `The state file ${path} would lie on a network disk (${kind}), where SQLite loses data when two machines write. ` +
      'Name a file on a local disk or a block volume with SYNC_STATE_FILE.',
  );
}
