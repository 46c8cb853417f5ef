/** The few things that the backup asks of S3: read an object, and write one under a condition. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { openAwsTransport } from '../shared/aws-transport.ts';
import { AppError } from '../shared/errors.ts';
import type { BackupSettings } from './backup-settings.ts';
import {
  isConditionRefused,
  isConflict,
  isKeyRefused,
  isMissingObject,
  isWorthRetrying,
  toS3Error,
} from './s3-errors.ts';

export interface StoredObject {
  /** As the store wrote it; opaque. */
  readonly etag: string;
  /** Names in lower case, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How long ago it was written, by the store's own clock alone. */
  readonly ageMs: number;
  /** Must be read or destroyed. */
  readonly body: Readable;
}

/** What must be so for a write to happen: nothing is there yet, or what is there was not changed since it was read. */
export type Condition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'is'; readonly etag: string };

export interface ObjectToPut {
  readonly key: string;
  readonly condition: Condition;
  readonly metadata: Readonly<Record<string, string>>;
  readonly content: SmallContent | FileContent;
}

export interface SmallContent {
  readonly kind: 'text';
  readonly text: string;
}

export interface FileContent {
  readonly kind: 'file';
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** `refused`: the condition did not hold, so somebody else has written. */
export type PutOutcome =
  | { readonly kind: 'written'; readonly etag: string }
  | { readonly kind: 'refused' };

export interface S3Objects extends Disposable {
  /** Null when there is no such object. Throws AppError (BACKUP_*). */
  get(key: string): Promise<StoredObject | null>;
  /** Throws AppError (BACKUP_*); then nothing is known about whether it was written. */
  put(object: ObjectToPut): Promise<PutOutcome>;
}

/** The name of the metadata that tells one write from every other, to know one's own when its answer was lost. */
const writeIdName = 'langfuse-mlflow-write';

const attempts = 4;
const firstPauseMs = 500;

/** Opens S3. The SDK is loaded here, so that workers without a backup never load it. */
export async function openS3Objects(
  settings: Pick<
    BackupSettings,
    'bucket' | 'region' | 'endpoint' | 'proxies' | 'clock' | 'credentials'
  >,
): Promise<S3Objects> {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const { bucket, clock, credentials } = settings;
  const region = settings.region ?? (settings.endpoint === null ? null : 'us-east-1');
  const client = new S3Client({
    ...(region === null ? {} : { region }),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
    ...(credentials === undefined
      ? {}
      : // Else the SDK would keep keys without an expiry for good, also after they were rotated.
        { credentials: Object.assign(() => credentials.provider(), { memoized: true }) }),
    // Tried again below, where the bytes of a file can be read anew and a lost answer is looked into.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    ...(await openAwsTransport(settings.proxies, { connectMs: 10_000, idleMs: 60_000 })),
    // A sum that streams behind the bytes is unknown to older stores; files bring theirs along.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });

  async function getOnce(key: string): Promise<StoredObject | null> {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    let storeTimeMs: number = clock.now();
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        storeTimeMs = toDateHeaderMs(result.response) ?? storeTimeMs;
        return result;
      },
      { step: 'deserialize' },
    );
    try {
      return toStoredObject(await client.send(command), storeTimeMs);
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw error;
    }
  }

  async function putOnce(object: ObjectToPut, writeId: string): Promise<string> {
    const input = toBodyInput(object.content);
    const unreadable = new AbortController();
    // Without a listener a file that can't be read would end the process, and the request wait for its bytes.
    if (input.Body instanceof Readable) input.Body.on('error', (error) => unreadable.abort(error));
    try {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: object.key,
          Metadata: { ...object.metadata, [writeIdName]: writeId },
          ...toConditionInput(object.condition),
          ...input,
        }),
        { abortSignal: unreadable.signal },
      );
      if (answer.ETag === undefined) throw noEtag(bucket, object.key);
      return answer.ETag;
    } catch (error) {
      throw unreadable.signal.aborted ? unreadable.signal.reason : error;
    } finally {
      if (input.Body instanceof Readable) input.Body.destroy();
    }
  }

  const get: S3Objects['get'] = (key) =>
    again(settings, { action: 's3:GetObject', bucket, key }, () => getOnce(key));

  return {
    get,
    put: (object) => {
      const { key, condition } = object;
      const writeId = randomUUID();
      return again(
        settings,
        { action: 's3:PutObject', bucket, key },
        async (): Promise<PutOutcome> => {
          try {
            return { kind: 'written', etag: await putOnce(object, writeId) };
          } catch (error) {
            // AWS answers 404 where the object that had to be unchanged is gone.
            const isGone = condition.kind === 'is' && isMissingObject(error);
            if (!isGone && !isConditionRefused(error)) throw error;
            const current = await get(key);
            current?.body.destroy();
            // An earlier attempt was kept and its answer lost.
            if (current?.metadata[writeIdName] === writeId) {
              return { kind: 'written', etag: current.etag };
            }
            if (isConflict(error) && holds(condition, current)) throw new PassingConflict();
            return { kind: 'refused' };
          }
        },
      );
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** Another write was under way and came to nothing: the condition holds still. */
class PassingConflict extends Error {}

async function again<T>(
  { clock, credentials }: Pick<BackupSettings, 'clock' | 'credentials'>,
  call: Parameters<typeof toS3Error>[1],
  attempt: () => Promise<T>,
): Promise<T> {
  let isRefreshed = credentials === undefined;
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRefreshed && isKeyRefused(error)) {
        isRefreshed = true;
        credentials?.refresh();
        continue;
      }
      const isPassing = error instanceof PassingConflict || isWorthRetrying(error);
      if (!isPassing || count === attempts) {
        if (!(error instanceof PassingConflict)) throw toS3Error(error, call);
        throw new AppError(
          'BACKUP_UNREACHABLE',
          `s3://${call.bucket}/${call.key} is being written by others again and again.`,
        );
      }
    }
    await clock.sleep(firstPauseMs * 2 ** (count - 1));
  }
}

function toStoredObject(answer: GetObjectCommandOutput, storeTimeMs: number): StoredObject {
  if (answer.ETag === undefined || answer.Body === undefined) {
    throw new AppError('BACKUP_UNUSABLE', 'The answer to s3:GetObject has no ETag or no body.');
  }
  return {
    etag: answer.ETag,
    metadata: answer.Metadata ?? {},
    ageMs: storeTimeMs - (answer.LastModified?.getTime() ?? storeTimeMs),
    // Sound: under Node a body is a readable stream, the type also serves browsers.
    body: answer.Body as unknown as Readable,
  };
}

function toConditionInput(condition: Condition): Partial<PutObjectCommandInput> {
  return condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag };
}

function toBodyInput(content: ObjectToPut['content']): Partial<PutObjectCommandInput> {
  if (content.kind === 'text') {
    const sum = createHash('sha256').update(content.text).digest('base64');
    return { Body: content.text, ContentType: 'application/json', ChecksumSHA256: sum };
  }
  return {
    Body: createReadStream(content.path),
    ContentLength: content.sizeBytes,
    ContentType: 'application/gzip',
    ChecksumSHA256: Buffer.from(content.sha256, 'hex').toString('base64'),
  };
}

function holds(condition: Condition, current: StoredObject | null): boolean {
  return condition.kind === 'absent' ? current === null : current?.etag === condition.etag;
}

function toDateHeaderMs(response: unknown): number | null {
  const { headers } = response as { headers?: Record<string, string | undefined> };
  const ms = Date.parse(headers?.['date'] ?? '');
  return Number.isNaN(ms) ? null : ms;
}

function noEtag(bucket: string, key: string): AppError {
  return new AppError(
    'BACKUP_UNUSABLE',
    `s3:PutObject on s3://${bucket}/${key} was answered without an ETag; what answers is no S3.`,
  );
}
