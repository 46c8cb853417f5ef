/** Writes copies of the open state file: from time to time while a run goes on, and one at its end. */
import { AppError, toAppError } from '../shared/errors.ts';
import type { State } from '../store/open-state.ts';
import type { BackupLease } from './backup-lease.ts';
import { toObjectMetadata } from './backup-metadata.ts';
import type { BackupSettings } from './backup-settings.ts';
import { copyState } from './copy-state.ts';
import { claimLineage, putCopyIdentity, readLineage } from './local-copy.ts';
import type { S3Objects } from './s3-objects.ts';

export interface CopyKeeper {
  /** Aborts when another worker has written the backup. */
  readonly signal: AbortSignal;
  attach(state: State): void;
  /** The last copy. Throws AppError when it could not be written. */
  finish(): Promise<WrittenCopy>;
  /** Writes nothing more. */
  stop(): Promise<void>;
}

export interface WrittenCopy {
  readonly generation: number;
  readonly sizeBytes: number;
}

interface KeeperParts {
  readonly settings: BackupSettings;
  readonly objects: S3Objects;
  readonly lease: BackupLease;
  /** Of the copy that is in S3 now; null when there is none. */
  readonly stored: { readonly etag: string; readonly generation: number } | null;
  /** Drawn for this run; marks its copies as made of this very file. */
  readonly writer: string;
  /** For a file that never had a copy. */
  readonly newLineage: string;
}

/** What S3 takes in one request. */
const maxObjectBytes = 5 * 1024 ** 3;

export function createCopyKeeper(parts: KeeperParts): CopyKeeper {
  const { settings, objects, lease, writer } = parts;
  const url = `s3://${settings.bucket}/${settings.key}`;
  const overtaken = new AbortController();
  let etag = parts.stored?.etag ?? null;
  let generation = parts.stored?.generation ?? 0;
  let attached: { readonly state: State; readonly lineage: string } | null = null;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<unknown> = Promise.resolve();
  let isWriting = false;

  const writeOnce = async (): Promise<WrittenCopy> => {
    if (attached === null) throw new AppError('INTERNAL', 'No state file was attached.');
    const { state, lineage } = attached;
    // The fence: whoever has lost the lease writes nothing more, however well the copy would fit.
    await lease.renew();
    overtaken.signal.throwIfAborted();
    const identity = { lineage, generation: generation + 1, writer };
    await using copy = await copyState(state.path, identity);
    if (copy.sizeBytes > maxObjectBytes) {
      throw new AppError(
        'BACKUP_UNUSABLE',
        `The copy of ${state.path} has ${copy.sizeBytes} bytes, and S3 takes at most ${maxObjectBytes} in one request.`,
        { hint: 'Keep this state file on a volume and unset SYNC_STATE_BACKUP.' },
      );
    }
    await lease.renew();
    const outcome = await objects.put({
      key: settings.key,
      condition: etag === null ? { kind: 'absent' } : { kind: 'is', etag },
      metadata: toObjectMetadata({ ...identity, sha256: copy.sha256 }),
      content: { kind: 'file', path: copy.path, sizeBytes: copy.sizeBytes, sha256: copy.sha256 },
    });
    if (outcome.kind === 'refused') {
      const error = new AppError(
        'STATE_BUSY',
        `Another worker has written the backup ${url} in the meantime; it was not overwritten.`,
        { hint: 'Run again once no other worker uses the backup.' },
      );
      overtaken.abort(error);
      throw error;
    }
    etag = outcome.etag;
    generation = identity.generation;
    return { generation, sizeBytes: copy.sizeBytes };
  };
  const write = (): Promise<WrittenCopy> => {
    isWriting = true;
    const result = writeOnce().finally(() => {
      isWriting = false;
    });
    writing = result.catch(() => undefined);
    return result;
  };
  const stop = async (): Promise<void> => {
    if (timer !== null) clearInterval(timer);
    await writing;
  };

  return {
    signal: overtaken.signal,
    attach(state) {
      claimLineage(state, { writer, newLineage: parts.newLineage });
      const lineage = readLineage(state);
      generation = Math.max(generation, lineage?.generation ?? 0);
      attached = { state, lineage: lineage?.lineage ?? parts.newLineage };
      timer = setInterval(() => {
        if (isWriting) return;
        write().catch((error: unknown) => {
          settings.onNotice(`A copy of the state was not kept yet: ${toAppError(error).message}`);
        });
      }, settings.intervalMs);
      timer.unref();
    },
    async finish() {
      await stop();
      const written = await write();
      if (attached !== null) {
        const { state, lineage } = attached;
        putCopyIdentity(state, { lineage, generation: written.generation, writer });
      }
      return written;
    },
    stop,
  };
}
