/** What S3 is sent, as a recording server on loopback sees it: region, encryption, owner. */
import { describe, expect, it } from 'vitest';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { listen } from '../support/sagemaker-double/http.ts';
import type { SignedRequest } from '../support/sagemaker-double/verify-signature.ts';

const run = { runId: 'r1', artifactUri: 's3://bucket/prefix' };
type Settings = Parameters<typeof createS3ArtifactWriter>[0];

function writerTo(
  endpoint: string,
  more: Partial<Settings>,
): ReturnType<typeof createS3ArtifactWriter> {
  return createS3ArtifactWriter({
    region: () => Promise.resolve('us-east-1'),
    endpoint,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'made-up' }),
    identityText: () => 'the test',
    kmsKeyId: null,
    expectedOwner: null,
    timeoutMs: 10_000,
    ...more,
  });
}

const regionOf = (request: SignedRequest): string =>
  request.headers['authorization']?.split('/')[2] ?? '';

describe('the region of a bucket', () => {
  it('is that which S3 names, when it is another than that of the worker', async () => {
    const seen: string[] = [];
    await using s3 = await listen((request) => {
      const region = regionOf(request);
      seen.push(region);
      if (region === 'eu-central-1') return Promise.resolve({ status: 200, body: '' });
      return Promise.resolve({
        status: 301,
        headers: { 'x-amz-bucket-region': 'eu-central-1', 'content-type': 'application/xml' },
        body: '<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>',
      });
    });
    const writer = writerTo(s3.url, { region: () => Promise.resolve(null) });
    const body = Buffer.from('x');
    await writer.put({ run, path: 'a.txt', body, contentType: 'text/plain' });
    await writer.put({ run, path: 'b.txt', body, contentType: 'text/plain' });
    expect(seen.slice(0, 2)).toEqual(['us-east-1', 'eu-central-1']);
    expect(seen.at(-1)).toBe('eu-central-1');
  });
});

describe('the settings of a bucket', () => {
  it('are sent with each object, whole or in parts, and the owner with each reading', async () => {
    const seen: SignedRequest[] = [];
    await using s3 = await listen((request) => {
      seen.push(request);
      const isBegin = request.method === 'POST' && request.target.includes('uploads');
      const isEnd = request.method === 'POST' && request.target.includes('uploadId');
      return Promise.resolve({
        status: 200,
        headers: { etag: '"1"', 'content-type': 'application/xml' },
        body: isBegin
          ? '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'
          : isEnd
            ? '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>'
            : '',
      });
    });
    const writer = writerTo(s3.url, {
      kmsKeyId: 'alias/mlflow-artifacts',
      expectedOwner: '123456789012',
    });
    const put = (path: string, bytes: number): Promise<void> =>
      writer.put({ run, path, body: Buffer.alloc(bytes), contentType: 'text/plain' });
    await put('small.txt', 10);
    await put('large.txt', 17 * 1024 * 1024);
    await writer.get({ run, path: 'small.txt' });
    await writer.delete({ run, path: 'small.txt' });
    expect(seen.map(({ method }) => method)).toEqual(
      expect.arrayContaining(['PUT', 'POST', 'GET', 'DELETE']),
    );
    for (const { headers } of seen) {
      expect(headers['x-amz-expected-bucket-owner']).toBe('123456789012');
      expect(headers['authorization']).toContain('x-amz-expected-bucket-owner');
    }
    const begins = seen.filter(
      ({ method, target }) =>
        (method === 'PUT' && target.includes('small')) || target.includes('uploads'),
    );
    expect(begins).toHaveLength(2);
    for (const { headers } of begins) {
      expect(headers['x-amz-server-side-encryption']).toBe('aws:kms');
      expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe('alias/mlflow-artifacts');
    }
  });
});
