/** Keeps a copy of the state file in S3: restored before a run, written while it goes on and after it. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { AppError, toAppError } from '../shared/errors.ts';
import type { State } from '../store/open-state.ts';
import { takeBackupLease } from './backup-lease.ts';
import { parseObjectMetadata, type BackupMetadata } from './backup-metadata.ts';
import type { BackupSettings } from './backup-settings.ts';
import { chooseStart, type Start } from './choose-start.ts';
import { createCopyKeeper, type WrittenCopy } from './keep-copies.ts';
import { readLocalState } from './local-copy.ts';
import { restoreState } from './restore-state.ts';
import { openS3Objects, type S3Objects } from './s3-objects.ts';

export interface Backup extends AsyncDisposable {
  /** `s3://bucket/key` */
  readonly url: string;
  /** Whose lease was taken over, since that worker let it run out; null where nobody had it. */
  readonly leaseTakenFrom: string | null;
  /** Which of file and copy goes on. */
  readonly start: Start;
  /** Aborts, with an AppError as reason, when another worker has or may have taken over. */
  readonly signal: AbortSignal;
  /** Takes the open state file, of which a copy is written from time to time from now on. */
  attach(state: State): void;
  /** Writes the last copy. Never throws: what the run has done stands, whatever becomes of its copy. */
  finish(): Promise<BackupOutcome>;
}

export type BackupOutcome =
  | ({ readonly kind: 'written' } & WrittenCopy)
  | { readonly kind: 'failed'; readonly error: AppError };

/**
 * Takes the lease of the backup, then restores the state file where it is missing or older than the copy.
 * Throws STATE_BUSY while another worker uses the backup, BACKUP_*, STATE_*; the state file is as it was then.
 */
export async function openBackup(settings: BackupSettings): Promise<Backup> {
  const { bucket, key } = settings;
  const url = `s3://${bucket}/${key}`;
  const objects = await openS3Objects(settings);
  try {
    const lease = await takeBackupLease(objects, settings);
    try {
      const stored = await readStored(objects, { key, url });
      const start = await prepareFile({ settings, objects, stored, url });
      const keeper = createCopyKeeper({
        settings,
        objects,
        lease,
        stored: stored && { etag: stored.etag, generation: stored.metadata.generation },
        writer: randomUUID(),
        newLineage: randomUUID(),
      });
      return {
        url,
        leaseTakenFrom: lease.takenFrom,
        start,
        signal: AbortSignal.any([lease.signal, keeper.signal]),
        attach: (state) => keeper.attach(state),
        async finish() {
          try {
            return { kind: 'written', ...(await keeper.finish()) };
          } catch (error) {
            return { kind: 'failed', error: toAppError(error) };
          }
        },
        async [Symbol.asyncDispose]() {
          await keeper.stop();
          await lease[Symbol.asyncDispose]();
          objects[Symbol.dispose]();
        },
      };
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    objects[Symbol.dispose]();
    throw error;
  }
}

interface Stored {
  readonly etag: string;
  readonly metadata: BackupMetadata;
}

async function readStored(
  objects: S3Objects,
  place: { readonly key: string; readonly url: string },
): Promise<Stored | null> {
  const object = await objects.get(place.key);
  if (object === null) return null;
  object.body.destroy();
  return { etag: object.etag, metadata: parseObjectMetadata(object.metadata, place.url) };
}

async function prepareFile(found: {
  readonly settings: BackupSettings;
  readonly objects: S3Objects;
  readonly stored: Stored | null;
  readonly url: string;
}): Promise<Start> {
  const { settings, objects, stored, url } = found;
  const { bucket, key, onNotice } = settings;
  const stateFile = resolve(settings.stateFile);
  const local = readLocalState(stateFile, settings.clock.now());
  const start = chooseStart(local, stored?.metadata ?? null, { file: stateFile, url });
  if (start.kind === 'restore' && stored !== null) {
    if (local.kind === 'present' && local.holder !== null) {
      throw new AppError('STATE_BUSY', `Another worker (${local.holder}) is using ${stateFile}.`);
    }
    await restoreState({ objects, bucket, key, stateFile, ...stored });
    onNotice(
      `The state file ${stateFile} was restored from ${url}, generation ${stored.metadata.generation}.`,
    );
  }
  if (start.kind === 'keep' && start.why === 'newer') {
    onNotice(`The backup ${url} is older than ${stateFile}, which is kept.`);
  }
  return start;
}
