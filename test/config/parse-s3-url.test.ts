import { describe, expect, test } from 'vitest';
import { parseS3Url, renderS3Url } from '../../src/config/parse-s3-url.ts';

describe('SYNC_STATE_BACKUP', () => {
  test.each([
    ['s3://bucket/key', { bucket: 'bucket', key: 'key' }],
    ['s3://my.bucket-1/a/b c/d.gz', { bucket: 'my.bucket-1', key: 'a/b c/d.gz' }],
    ['S3://bucket/Key', { bucket: 'bucket', key: 'Key' }],
  ])('%s names an object', (text, location) => {
    expect(parseS3Url(text)).toEqual(location);
    expect(parseS3Url(renderS3Url(location))).toEqual(location);
  });

  test.each([
    ['bucket/key', 'must be s3://BUCKET/KEY'],
    ['s3:/bucket/key', 'must be s3://BUCKET/KEY'],
    ['s3:///key', 'it names no bucket'],
    ['s3://Bucket/key', 'Bucket is not the name of a bucket'],
    ['s3://user@bucket/key', 'is not the name of a bucket'],
    ['s3://bucket', 'write s3://bucket/langfuse-mlflow.db.gz'],
    ['s3://bucket/folder/', 'write s3://bucket/folder/langfuse-mlflow.db.gz'],
    ['s3://bucket/a//b', 'holds //'],
    ['s3://bucket/../b', 'a dot folder'],
    ['s3://bucket/key?versionId=1', 'holds //'],
    ['https://bucket.s3.amazonaws.com/key', 'AWS_ENDPOINT_URL_S3'],
    ['"s3://bucket/key"', 'has quotes left in it'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => parseS3Url(text)).toThrow(reason);
  });
});
