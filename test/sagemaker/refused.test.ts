/** What is said and done when AWS refuses, on real sockets: no secret shown, no old key kept, the right cause named. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { openCredentials, type AwsIdentity } from '../../src/sagemaker/credentials.ts';
import { toManagedEndpoint } from '../../src/sagemaker/managed-endpoint.ts';
import { openSageMakerTarget } from '../../src/sagemaker/open-sagemaker-target.ts';
import { toInstant } from '../../src/shared/time.ts';

const clock = { now: () => toInstant(Date.now()), sleep: () => Promise.resolve() };
const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow';
const run = { runId: 'r1', artifactUri: 's3://bucket/prefix' };

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function serve(answer: (request: IncomingMessage) => Answered) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { status, body, headers } = answer(request);
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function credentialsOf(current: () => AwsIdentity): ReturnType<typeof openCredentials> {
  return openCredentials({
    region: 'us-east-1',
    assumeRoleArn: null,
    clock,
    openChain: () => Promise.resolve(() => Promise.resolve(current())),
  });
}

/** The message of a first call that the server answers so, and what was noticed on the way. */
async function messageOf(
  answer: (request: IncomingMessage) => Answered,
  sessionToken = 'made-up-token',
): Promise<string> {
  await using server = await serve(answer);
  const notices: string[] = [];
  const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'made-up', sessionToken };
  await using target = await openSageMakerTarget(
    {
      trackingUri: arn,
      timeoutMs: 5000,
      maxRetries: 1,
      clock,
      onNotice: (message) => notices.push(message),
    },
    {
      endpoint: toManagedEndpoint(
        { arn, region: 'us-east-1', resource: 'mlflow-tracking-server' },
        server.url,
      ),
      credentials: credentialsOf(() => identity),
      artifactWriters: {},
    },
  );
  const message = await target.findExperiment('x').then(
    () => 'no error',
    (error: unknown) => (error as Error).message,
  );
  return [message, ...notices].join('\n');
}

describe('the message about a refusal', () => {
  it('holds no part of the session token, though AWS repeats the request that was signed', async () => {
    const token = 'FwoGZXIvYXdzEXAMPLE/'.repeat(60);
    const message = await messageOf(
      (request) => ({
        status: 403,
        body: JSON.stringify({
          message: `The Canonical String for this request should have been 'GET\n\nx-amz-security-token:${String(request.headers['x-amz-security-token'])}'`,
        }),
      }),
      token,
    );
    expect(message).toContain('x-amz-security-token:***');
    expect(message).not.toContain('FwoGZXIvYXdz');
  });

  it('names what IAM must allow also where the clock is wrong', async () => {
    const message = await messageOf(() => ({
      status: 403,
      headers: { date: new Date(Date.now() + 3_600_000).toUTCString() },
      body: '{"Message":"not authorized to perform sagemaker-mlflow:GetExperimentByName"}',
    }));
    expect(message).toContain('needs sagemaker-mlflow:GetExperimentByName on arn');
    expect(message).toContain('60 minutes behind');
  });
});

describe('the message about a first call that fails', () => {
  it.each([
    [500, /x-mlflow-sm-tracking-server-arn/],
    [503, /tracking-server start --wait/],
  ])('says what HTTP %i means on SageMaker', async (status, hint) => {
    expect(await messageOf(() => ({ status, body: '{}' }))).toMatch(hint);
  });
});

describe('S3', () => {
  const putting = (url: string, more: Partial<Parameters<typeof createS3ArtifactWriter>[0]>) =>
    createS3ArtifactWriter({
      region: () => Promise.resolve('us-east-1'),
      endpoint: url,
      credentials: () => Promise.resolve({ accessKeyId: 'AKIDOLD', secretAccessKey: 'made-up' }),
      identityText: () => 'the test',
      kmsKeyId: null,
      expectedOwner: null,
      timeoutMs: 5000,
      ...more,
    }).put({ run, path: 'a.txt', body: Buffer.from('x'), contentType: 'text/plain' });

  it('gets the new key, once, when the old one without an expiry was taken away', async () => {
    const seen: string[] = [];
    await using server = await serve((request) => {
      const key = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      seen.push(key);
      return key === 'AKIDNEW'
        ? { status: 200, body: '' }
        : {
            status: 403,
            body: '<Error><Code>InvalidAccessKeyId</Code><Message>gone</Message></Error>',
          };
    });
    let key = 'AKIDOLD';
    const credentials = credentialsOf(() => ({ accessKeyId: key, secretAccessKey: 'made-up' }));
    await credentials.provider();
    key = 'AKIDNEW';
    await putting(server.url, {
      credentials: credentials.provider,
      onCredentialsRefused: credentials.refresh,
    });
    expect(seen).toEqual(['AKIDOLD', 'AKIDNEW']);
  });

  it('is sent nothing after the run was stopped', async () => {
    let requests = 0;
    await using server = await serve(() => {
      requests += 1;
      return { status: 200, body: '' };
    });
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(putting(server.url, { signal })).rejects.toThrow('stopped');
    expect(requests).toBe(0);
  });
});
