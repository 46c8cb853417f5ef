/** Translates what the AWS SDK throws, once, into what a person can act on. */
import { AppError } from '../shared/errors.ts';

/** One call to S3, for messages. */
export interface S3Call {
  /** As IAM policies name it: `s3:PutObject`. */
  readonly action: 's3:GetObject' | 's3:PutObject';
  readonly bucket: string;
  readonly key: string;
}

interface Raw {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: number | null;
  readonly bucketRegion: string | null;
}

const deniedNames = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

const keyNames = new Set([
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

/** True where S3 does not take the key itself, whatever IAM allows it: a newer one may be taken. */
export function isKeyRefused(error: unknown): boolean {
  return keyNames.has(toRaw(error).name);
}

const networkCodes =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** True for what may pass by itself within seconds. The SDK corrects its clock after a `RequestTimeTooSkewed`. */
export function isWorthRetrying(error: unknown): boolean {
  const raw = toRaw(error);
  return raw.name === 'RequestTimeTooSkewed' || isUnreachable(raw) || raw.name === 'RequestTimeout';
}

/** True when a condition of a write did not hold (412), or another write was under way (409). */
export function isConditionRefused(error: unknown): boolean {
  const { status, name } = toRaw(error);
  return status === 412 || (status === 409 && name === 'ConditionalRequestConflict');
}

/** True for 409: another conditional write was under way at the same moment. */
export function isConflict(error: unknown): boolean {
  return toRaw(error).status === 409;
}

export function isMissingObject(error: unknown): boolean {
  const { status, name } = toRaw(error);
  return status === 404 && name !== 'NoSuchBucket';
}

/** An AppError for a failed call; passes AppErrors and errors of local files through. */
export function toS3Error(error: unknown, call: S3Call): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const raw = toRaw(error);
  const place = `s3://${call.bucket}/${call.key}`;
  const options = { cause: error };
  if (raw.name === 'NoSuchBucket') {
    return new AppError(
      'BACKUP_UNUSABLE',
      `The bucket ${call.bucket} of SYNC_STATE_BACKUP does not exist.`,
      { ...options, hint: 'Create the bucket, or name another one with SYNC_STATE_BACKUP.' },
    );
  }
  if (raw.name === 'CredentialsProviderError' || raw.name === 'TokenProviderError') {
    return new AppError(
      'BACKUP_DENIED',
      `No AWS credentials were found for ${call.action} on ${place}.`,
      {
        ...options,
        hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the pod a role; the usual AWS chain is searched, --env-file is not.',
      },
    );
  }
  if (raw.message === 'Region is missing') {
    return new AppError('BACKUP_UNUSABLE', `The region of the bucket ${call.bucket} is unknown.`, {
      ...options,
      hint: 'Set AWS_REGION to the region of the bucket.',
    });
  }
  if (isOtherRegion(raw)) {
    return new AppError(
      'BACKUP_UNUSABLE',
      `The bucket ${call.bucket} of SYNC_STATE_BACKUP is in another region${raw.bucketRegion === null ? '' : ` (${raw.bucketRegion})`}.`,
      { ...options, hint: 'Set AWS_REGION to the region of the bucket.' },
    );
  }
  if (raw.status === 403 || raw.status === 401 || deniedNames.has(raw.name)) {
    return new AppError(
      'BACKUP_DENIED',
      `${call.action} on ${place} was refused: ${toWords(raw)}${toAdvice(raw, call)}`,
      options,
    );
  }
  if (isUnreachable(raw) || raw.name === 'RequestTimeTooSkewed') {
    return new AppError(
      'BACKUP_UNREACHABLE',
      `${call.action} on ${place} failed: ${toWords(raw)}`,
      options,
    );
  }
  if (raw.status === 501 && call.action === 's3:PutObject') return toUnconditional(call, error);
  if (raw.status === null) return error;
  return new AppError(
    'BACKUP_UNUSABLE',
    `${call.action} on ${place} was answered with ${raw.status}: ${toWords(raw)}`,
    {
      ...options,
      hint: 'Check SYNC_STATE_BACKUP, AWS_REGION and AWS_ENDPOINT_URL_S3: what answers may be no S3.',
    },
  );
}

/** BACKUP_UNUSABLE for a store that takes writes without looking at their conditions, or refuses all such writes. */
export function toUnconditional(call: S3Call, cause?: unknown): AppError {
  return new AppError(
    'BACKUP_UNUSABLE',
    `The store of s3://${call.bucket}/${call.key} has no conditional writes (If-None-Match, If-Match), without which two workers could overwrite each other's state.`,
    {
      cause,
      hint: 'Use AWS S3 or a store that keeps to its conditional writes (of 2024), or unset SYNC_STATE_BACKUP and keep the state file on a volume.',
    },
  );
}

function isUnreachable({ status, name, code }: Raw): boolean {
  if (status !== null && (status >= 500 || status === 429 || status === 408)) return status !== 501;
  return name === 'TimeoutError' || networkCodes.test(code);
}

function isOtherRegion({ name, status }: Raw): boolean {
  return name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301;
}

function toWords({ name, message, code }: Raw): string {
  // Several addresses that were all tried in vain have no message of their own.
  const text = message === '' || message === 'UnknownError' ? code : message;
  return text === '' || text === name ? `${name}.` : `${name}: ${text.replace(/\.?$/, '.')}`;
}

function toAdvice({ name }: Raw, call: S3Call): string {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"
  return name === 'AccessDenied' && call.action === 's3:GetObject'
    ? ' S3 says so of a missing object too, to whoever may not list the bucket.'
    : '';
}

function toRaw(error: unknown): Raw {
  const value = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    message?: unknown;
    code?: unknown;
    Region?: unknown;
    $metadata?: { httpStatusCode?: unknown };
    $response?: { headers?: Record<string, unknown> };
  };
  const status = value.$metadata?.httpStatusCode;
  const region = value.Region ?? value.$response?.headers?.['x-amz-bucket-region'];
  return {
    name: typeof value.name === 'string' ? value.name : 'Error',
    message: typeof value.message === 'string' ? value.message : '',
    code: typeof value.code === 'string' ? value.code : '',
    status: typeof status === 'number' ? status : null,
    bucketRegion: typeof region === 'string' ? region : null,
  };
}
