/** One worker at a time on a backup, whatever machine it runs on: a small object beside it. */
import { z } from 'zod';
import { AppError, toAppError } from '../shared/errors.ts';
import type { BackupSettings } from './backup-settings.ts';
import { toUnconditional } from './s3-errors.ts';
import type { Condition, PutOutcome, S3Objects } from './s3-objects.ts';

export interface BackupLease extends AsyncDisposable {
  /** Who had the lease and did not give it back before it ran out. */
  readonly takenFrom: string | null;
  /** Aborts, with STATE_BUSY or BACKUP_* as reason, when another worker has or may have taken over. */
  readonly signal: AbortSignal;
  /** Begins the lease anew. Throws STATE_BUSY when another worker has taken over. */
  renew(): Promise<void>;
}

const leaseSchema = z.object({
  holder: z.string(),
  /** Counts from the moment at which the store wrote the object. */
  lease_ms: z.number().int().positive(),
  is_released: z.boolean(),
});
type LeaseText = z.infer<typeof leaseSchema>;

type Settings = Pick<
  BackupSettings,
  'bucket' | 'key' | 'holder' | 'leaseMs' | 'clock' | 'onNotice'
>;

/** The store tells times in whole seconds. */
const storeTimeSlackMs = 1000;

/**
 * Takes the lease, also over one that has run out by the store's own clock. Renews it at a sixth of its life.
 * Throws STATE_BUSY, naming the holder, while another worker holds it; BACKUP_UNUSABLE when the store ignores
 * conditions, so that no lease is worth anything there.
 */
export async function takeBackupLease(
  objects: S3Objects,
  settings: Settings,
): Promise<BackupLease> {
  const { clock, leaseMs } = settings;
  const key = `${settings.key}.lease`;
  const url = `s3://${settings.bucket}/${settings.key}`;
  const put = (condition: Condition, isReleased: boolean): Promise<PutOutcome> => {
    const text: LeaseText = {
      holder: settings.holder,
      lease_ms: leaseMs,
      is_released: isReleased,
    };
    const content = { kind: 'text', text: `${JSON.stringify(text)}\n` } as const;
    return objects.put({ key, condition, metadata: {}, content });
  };

  const askedMs = clock.now();
  const before = await readBefore(objects, { key, url });
  const taken = await put(before.condition, false);
  if (taken.kind === 'refused') {
    throw busy(`Another worker has just begun to use the backup ${url}.`);
  }
  const { deadHolder: takenFrom } = before;
  if (takenFrom !== null) {
    settings.onNotice(
      `The lease on the backup ${url} was taken over from ${takenFrom}, which let it run out.`,
    );
  }
  const lost = new AbortController();
  let etag = taken.etag;
  let renewedMs: number = askedMs;
  let renewing: Promise<void> | null = null;

  const loseIfOver = (): void => {
    if (lost.signal.aborted || clock.now() - renewedMs < (leaseMs * 5) / 6) return;
    lost.abort(
      busy(
        `The lease on the backup ${url} could not be renewed in time; another worker may have taken over, so this one stops.`,
      ),
    );
  };
  const renewOnce = async (): Promise<void> => {
    const sentMs = clock.now();
    const outcome = await put({ kind: 'is', etag }, false);
    if (outcome.kind === 'refused') {
      lost.abort(busy(`Another worker has taken over the backup ${url}.`));
    } else {
      etag = outcome.etag;
      renewedMs = sentMs;
    }
  };
  const renew = async (): Promise<void> => {
    // A machine that was suspended must not go on as if no time had passed.
    loseIfOver();
    lost.signal.throwIfAborted();
    renewing ??= renewOnce().finally(() => {
      renewing = null;
    });
    await renewing;
    lost.signal.throwIfAborted();
  };
  const timer = setInterval(() => {
    loseIfOver();
    if (lost.signal.aborted || renewing !== null) return;
    renew().catch((error: unknown) => {
      if (lost.signal.aborted) return;
      settings.onNotice(`The lease on the backup is tried again: ${toAppError(error).message}`);
    });
  }, leaseMs / 6);
  timer.unref();

  const lease: BackupLease = {
    takenFrom,
    signal: lost.signal,
    renew,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      try {
        if (renewing !== null) await renewing;
        // Written, not deleted: a condition on a delete is ignored by some stores.
        if (!lost.signal.aborted) await put({ kind: 'is', etag }, true);
      } catch (error) {
        settings.onNotice(
          `The lease on the backup could not be given back and runs out by itself: ${toAppError(error).message}`,
        );
      }
    },
  };
  try {
    const refusals = [
      await put({ kind: 'absent' }, false),
      await put({ kind: 'is', etag: '"00000000000000000000000000000000"' }, false),
    ];
    if (refusals.some(({ kind }) => kind === 'written')) {
      throw toUnconditional({ action: 's3:PutObject', bucket: settings.bucket, key });
    }
    return lease;
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** Under which condition the lease may be taken, and from whom. Throws STATE_BUSY while somebody holds it. */
async function readBefore(
  objects: S3Objects,
  place: { readonly key: string; readonly url: string },
): Promise<{ readonly condition: Condition; readonly deadHolder: string | null }> {
  const current = await objects.get(place.key);
  if (current === null) return { condition: { kind: 'absent' }, deadHolder: null };
  const chunks: Buffer[] = [];
  for await (const chunk of current.body) chunks.push(chunk as Buffer);
  const lease = parseLease(Buffer.concat(chunks).toString(), place);
  const leftMs = lease.lease_ms + storeTimeSlackMs - current.ageMs;
  if (!lease.is_released && leftMs > 0) {
    throw busy(
      `Another worker (${lease.holder}) is using the backup ${place.url}; its lease runs out in ${Math.ceil(leftMs / 1000)} s unless it is renewed.`,
    );
  }
  return {
    condition: { kind: 'is', etag: current.etag },
    deadHolder: lease.is_released ? null : lease.holder,
  };
}

function parseLease(
  text: string,
  place: { readonly key: string; readonly url: string },
): LeaseText {
  try {
    return leaseSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('BACKUP_UNUSABLE', `The object ${place.url}.lease is not a lease.`, {
      cause,
      hint: 'Delete that object once no worker is running, or name another one with SYNC_STATE_BACKUP.',
    });
  }
}

function busy(message: string): AppError {
  return new AppError('STATE_BUSY', message, {
    hint: 'Wait for the other worker to end, or for the lease of one that died to run out, and run again.',
  });
}
