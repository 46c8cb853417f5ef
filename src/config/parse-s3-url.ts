import { refuseQuotes } from './parse-simple.ts';
import { refusal } from './refusal.ts';

/** One object of S3. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

/**
 * Parses `s3://bucket/key`. Throws AppError SETTINGS_INVALID with the reason alone.
 *
 * Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function parseS3Url(text: string): S3Location {
  refuseQuotes(text);
  if (/\p{Cc}/u.test(text)) throw refusal('must be one line without control characters');
  if (/^https?:/i.test(text)) {
    throw refusal(
      'is a web address; write s3://BUCKET/KEY, and put the address of another S3 than that of AWS in AWS_ENDPOINT_URL_S3',
    );
  }
  const [, bucket, key] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(text) ?? [];
  if (bucket === undefined || key === undefined) throw refusal('must be s3://BUCKET/KEY');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw refusal(
      `must be s3://BUCKET/KEY, and ${bucket === '' ? 'it names no bucket' : `${bucket} is not the name of a bucket`} (3 to 63 lower-case letters, digits, dots and hyphens)`,
    );
  }
  if (key === '' || key.endsWith('/')) {
    throw refusal(`names a folder; write s3://${bucket}/${key}langfuse-mlflow.db.gz`);
  }
  if (/(^|\/)\.{0,2}\//.test(key) || /[?#]/.test(key)) {
    throw refusal('holds //, a dot folder, ? or #, which S3 and its tools read differently');
  }
  return { bucket, key };
}

/** `s3://bucket/key` */
export function renderS3Url(location: S3Location): string {
  return `s3://${location.bucket}/${location.key}`;
}
