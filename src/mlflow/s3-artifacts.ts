/** Artifacts on S3, put there by the worker itself: for servers that do not hand them on (`--no-serve-artifacts`). */
import type { S3Client } from '@aws-sdk/client-s3';
import { openAwsTransport } from '../shared/aws-transport.ts';
import { AppError } from '../shared/errors.ts';
import type { Proxies } from '../shared/proxies.ts';
import type { RunRef } from '../sync/ports.ts';
import type { ArtifactWriter } from './artifact-uri.ts';
import { slowestBytesPerSecond } from './proxy-artifacts.ts';

/** Asked for each request; as the AWS SDK takes it. */
export type S3Credentials = () => Promise<{
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}>;

export interface S3ArtifactSettings {
  /**
   * Where S3 is asked first; asked for with the first artifact. S3 tells by itself where a bucket lies that is
   * elsewhere, so us-east-1 stands in for none.
   */
  readonly region: () => Promise<string | null>;
  /** Another S3 than AWS's, whose buckets are named in the path; null for AWS's. */
  readonly endpoint: string | null;
  readonly credentials: S3Credentials;
  /** Told that S3 does not take the credentials; what is asked for next is got anew. */
  readonly onCredentialsRefused?: (() => void) | undefined;
  /** Looks up who that is, before {@link S3ArtifactSettings.identityText} is asked about a denial. Never throws. */
  readonly identify?: (() => Promise<void>) | undefined;
  /** Who that is, for messages. */
  readonly identityText: () => string;
  /** A key of KMS to encrypt with; null for the bucket's own default. */
  readonly kmsKeyId: string | null;
  /** Account that must own the bucket; null for whichever does. */
  readonly expectedOwner: string | null;
  /** Absent or null for none. */
  readonly proxies?: Proxies | null | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type S3ArtifactWriter = Required<ArtifactWriter>;

/** S3's words for keys that it does not take, whatever IAM allows them. */
const keyErrors = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

/** Larger artifacts go in parts of this size. */
const partBytes = 16 * 1024 * 1024;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** The SDK is loaded with the first artifact. Throws MLFLOW_ARTIFACTS_DENIED, MLFLOW_ARTIFACTS_UNREACHABLE. */
export function createS3ArtifactWriter(settings: S3ArtifactSettings): S3ArtifactWriter {
  const { expectedOwner, kmsKeyId } = settings;
  let opened: Promise<S3Client> | null = null;
  const client = (): Promise<S3Client> => (opened ??= openClient(settings));
  const owner = expectedOwner === null ? {} : { ExpectedBucketOwner: expectedOwner };
  const signal = (bytes = 0): AbortSignal => {
    const uploadMs = Math.ceil((bytes / slowestBytesPerSecond) * 1000);
    const deadline = AbortSignal.timeout(settings.timeoutMs + uploadMs);
    return settings.signal ? AbortSignal.any([deadline, settings.signal]) : deadline;
  };

  /** One more attempt with new credentials, where S3 does not take those it was given. */
  async function withFreshCredentials<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      const isOfKey = error instanceof Error && keyErrors.has(error.name);
      if (!isOfKey || settings.onCredentialsRefused === undefined) throw error;
      settings.onCredentialsRefused();
      return attempt();
    }
  }

  return {
    async put({ run, path, body, contentType }) {
      const place = toPlace(run, path);
      const s3 = await client();
      const { Upload } = await import('@aws-sdk/lib-storage');
      const send = async (): Promise<void> => {
        settings.signal?.throwIfAborted();
        const upload = new Upload({
          client: s3,
          partSize: partBytes,
          params: {
            ...place,
            ...owner,
            Body: body,
            ContentType: contentType,
            ...(kmsKeyId === null
              ? {}
              : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId }),
          },
        });
        const ends = signal(body.byteLength);
        const stop = (): void => void upload.abort();
        ends.addEventListener('abort', stop);
        try {
          await upload.done();
        } finally {
          ends.removeEventListener('abort', stop);
        }
      };
      try {
        await withFreshCredentials(send);
      } catch (error) {
        throw await toArtifactError(error, { settings, place, action: 's3:PutObject' });
      }
    },

    async get({ run, path }) {
      const place = toPlace(run, path);
      const s3 = await client();
      const { GetObjectCommand } = await import('@aws-sdk/client-s3');
      try {
        const answer = await withFreshCredentials(() =>
          s3.send(new GetObjectCommand({ ...place, ...owner }), { abortSignal: signal() }),
        );
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return null;
        throw await toArtifactError(error, { settings, place, action: 's3:GetObject' });
      }
    },

    async delete({ run, path }) {
      const place = toPlace(run, path);
      const s3 = await client();
      const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
      try {
        await withFreshCredentials(() =>
          s3.send(new DeleteObjectCommand({ ...place, ...owner }), { abortSignal: signal() }),
        );
      } catch (error) {
        throw await toArtifactError(error, { settings, place, action: 's3:DeleteObject' });
      }
    },
  };
}

async function openClient(settings: S3ArtifactSettings): Promise<S3Client> {
  const sdk = await import('@aws-sdk/client-s3');
  return new sdk.S3Client({
    region: (await settings.region()) ?? 'us-east-1',
    // Else the SDK would keep keys without an expiry for good, also after they were rotated.
    credentials: Object.assign(() => settings.credentials(), { memoized: true }),
    // A bucket may lie in another region than the server.
    followRegionRedirects: true,
    // Other servers than AWS's know no checksums at the end of a stream.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 4,
    ...(await openAwsTransport(settings.proxies)),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
  });
}

/** `s3://bucket/prefix` and a checked path. Throws MLFLOW_UNEXPECTED. */
function toPlace(run: RunRef, path: string): Place {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/i.exec(run.artifactUri) ?? [];
  if (bucket === undefined) {
    throw new AppError(
      'MLFLOW_UNEXPECTED',
      `The artifacts of run ${run.runId} lie at ${run.artifactUri}, which is no place in S3.`,
    );
  }
  return {
    Bucket: bucket,
    Key: prefix === undefined || prefix === '' ? path : `${prefix}/${path}`,
  };
}

async function toArtifactError(
  error: unknown,
  call: {
    readonly settings: S3ArtifactSettings;
    readonly place: Place;
    readonly action: 's3:PutObject' | 's3:GetObject' | 's3:DeleteObject';
  },
): Promise<unknown> {
  const { settings, place, action } = call;
  settings.signal?.throwIfAborted();
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const answer = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata;
  const status = answer?.httpStatusCode;
  const at = `s3://${place.Bucket}/${place.Key}`;
  const said = error.message.replace(/\s+/g, ' ').slice(0, 300);
  if (status === 403 || status === 401) {
    await settings.identify?.();
    return new AppError(
      'MLFLOW_ARTIFACTS_DENIED',
      `${action} on ${at} was refused to ${settings.identityText()} (${error.name}): ${said}`,
      { cause: error, details: { action, bucket: place.Bucket, key: place.Key } },
    );
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 429) {
    return new AppError('MLFLOW_ARTIFACTS_DENIED', `${action} on ${at}: ${error.name}, ${said}`, {
      cause: error,
      details: { action, bucket: place.Bucket, key: place.Key },
    });
  }
  return new AppError('MLFLOW_ARTIFACTS_UNREACHABLE', `${action} on ${at}: ${said}`, {
    cause: error,
    details: { action, bucket: place.Bucket, key: place.Key, isUncertain: true },
  });
}
