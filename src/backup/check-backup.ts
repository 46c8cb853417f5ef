/** Looks whether the backup can be used as a run would: reads it, and takes its lease for a moment. */
import { AppError } from '../shared/errors.ts';
import { parseObjectMetadata } from './backup-metadata.ts';
import { takeBackupLease } from './backup-lease.ts';
import type { BackupSettings } from './backup-settings.ts';
import { openS3Objects } from './s3-objects.ts';

/** A sentence about what was found. Throws AppError (BACKUP_*). The copy itself is not touched. */
export async function checkBackup(settings: BackupSettings): Promise<string> {
  const { bucket, key } = settings;
  const url = `s3://${bucket}/${key}`;
  using objects = await openS3Objects(settings);
  const object = await objects.get(key);
  object?.body.destroy();
  const found =
    object === null
      ? `${url} does not exist yet; the first run writes it`
      : `${url} holds generation ${parseObjectMetadata(object.metadata, url).generation}, written ${toAge(object.ageMs)} ago`;
  try {
    const lease = await takeBackupLease(objects, settings);
    await lease[Symbol.asyncDispose]();
  } catch (error) {
    if (error instanceof AppError && error.code === 'STATE_BUSY') {
      return `${found}. ${error.message}`;
    }
    throw error;
  }
  return `${found}; its lease can be taken`;
}

function toAge(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
