/** Workers that share a backup on a real S3 server: each has a file of its own. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { vi } from 'vitest';
import type { BackupSettings } from '../../src/backup/backup-settings.ts';
import { openBackup, type Backup, type BackupOutcome } from '../../src/backup/open-backup.ts';
import { systemClock, type Clock } from '../../src/shared/clock.ts';
import { toInstant } from '../../src/shared/time.ts';
import { takeLease } from '../../src/store/lease.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import type { S3Keys, SeaweedServer } from './seaweed-server.ts';
import { openTempFolder } from './temp-folder.ts';

export interface BackupBench extends Disposable {
  readonly folder: string;
  readonly bucket: string;
  readonly key: string;
  readonly notices: readonly string[];
  toSettings(file: string, changes?: Partial<BackupSettings>): BackupSettings;
  /** A worker that has opened everything. */
  open(file: string, changes?: Partial<BackupSettings>): Promise<OpenWorker>;
  /** One run of a worker that reads one more window. */
  run(file: string, changes?: Partial<BackupSettings>): Promise<FinishedRun>;
  runWithoutBackup(file: string): void;
  windowsIn(file: string): number;
  readObject(): Promise<StoredCopy | null>;
  putObject(object: Pick<StoredCopy, 'bytes' | 'metadata'>): Promise<void>;
  /** Files that a worker has made beside its state file. */
  leftBeside(file: string): string[];
}

export interface OpenWorker extends AsyncDisposable {
  readonly backup: Backup;
  readonly state: State;
}

export interface FinishedRun {
  readonly start: Backup['start'];
  readonly outcome: BackupOutcome;
}

export interface StoredCopy {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly etag: string | undefined;
}

let benches = 0;

export function openBackupBench(s3: SeaweedServer): BackupBench {
  const folder = openTempFolder();
  benches += 1;
  const bucket = 'state';
  const key = `team a/${benches}/state.db.gz`;
  const notices: string[] = [];
  useKeys(s3.keys);

  const toSettings: BackupBench['toSettings'] = (file, changes = {}) => ({
    bucket,
    key,
    region: null,
    endpoint: s3.url,
    stateFile: join(folder.path, file),
    holder: `worker on ${file}`,
    clock: systemClock,
    onNotice: (message) => notices.push(message),
    leaseMs: 60_000,
    intervalMs: 600_000,
    ...changes,
  });
  const open: BackupBench['open'] = async (file, changes) => {
    const settings = toSettings(file, changes);
    const backup = await openBackup(settings);
    const state = openState(settings.stateFile);
    backup.attach(state);
    return {
      backup,
      state,
      async [Symbol.asyncDispose]() {
        state[Symbol.dispose]();
        await backup[Symbol.asyncDispose]();
      },
    };
  };
  return {
    folder: folder.path,
    bucket,
    key,
    notices,
    toSettings,
    open,
    async run(file, changes) {
      await using worker = await open(file, changes);
      readOneMoreWindow(worker.state);
      return { start: worker.backup.start, outcome: await worker.backup.finish() };
    },
    runWithoutBackup(file) {
      using state = openState(join(folder.path, file));
      readOneMoreWindow(state);
    },
    windowsIn(file) {
      using state = openState(join(folder.path, file));
      return countRows(state, 'windows');
    },
    async readObject() {
      try {
        return await toStoredCopy(
          await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
        );
      } catch (error) {
        if (error instanceof NoSuchKey) return null;
        throw error;
      }
    },
    async putObject({ bytes, metadata }) {
      await s3.client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, Metadata: metadata }),
      );
    },
    leftBeside: (file) =>
      readdirSync(folder.path).filter((name) => name.startsWith(`${file}.`) && name !== file),
    [Symbol.dispose]() {
      folder[Symbol.dispose]();
      vi.unstubAllEnvs();
    },
  };
}

/** As the SDK's own chain finds them. */
export function useKeys(keys: S3Keys): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey);
  for (const name of ['AWS_SESSION_TOKEN', 'AWS_PROFILE']) vi.stubEnv(name, '');
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE'])
    vi.stubEnv(name, '/nowhere');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
}

/** What a run does to the state file, as far as a backup can see: it takes the lease and writes. */
export function readOneMoreWindow(state: State): void {
  const lease = takeLease(state, { holder: 'test', nowMs: systemClock.now() });
  putWindow(state, countRows(state, 'windows'));
  lease.release();
}

export function putWindow(state: State, n: number): void {
  state.db.exec(
    `INSERT INTO sources (source, name, base_url, window_ms, start_ms) VALUES ('project', 'Project', 'http://langfuse', 86400000, 0)
       ON CONFLICT DO NOTHING;
     INSERT INTO windows (source, from_ms, to_ms, read_ms, reader, server_version, rows_read, duplicate_rows,
       synthetic_roots, not_generations, other_origin, unreadable, content_missing, input_hash) VALUES ('project', ${n} * 86400000, (${n} + 1) * 86400000, 0, 'v2', NULL,
       0, 0, 0, 0, 0, 0, 0, 'hash')`,
  );
}

export function countRows(state: State, table: 'windows' | 'session_changes'): number {
  return state.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
}

/** Time stands still, or is moved; sleeping takes its real time, or none. */
export function createHandClock(
  options: { readonly sleeps?: boolean } = {},
): Clock & { move(ms: number): void } {
  let now = Date.now();
  return {
    now: () => toInstant(now),
    sleep: (ms) => (options.sleeps === false ? Promise.resolve() : systemClock.sleep(ms)),
    move(ms) {
      now += ms;
    },
  };
}

async function toStoredCopy(object: GetObjectCommandOutput): Promise<StoredCopy> {
  if (object.Body === undefined) throw new Error('the object has no body');
  return {
    bytes: await object.Body.transformToByteArray(),
    metadata: object.Metadata ?? {},
    etag: object.ETag,
  };
}
