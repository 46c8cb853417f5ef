/** Who was refused, and what is said when that cannot be asked. */
import { afterEach, expect, it, vi } from 'vitest';
import { askCallerIdentity } from '../../src/sagemaker/caller-identity.ts';
import { openCredentials, type AwsIdentity } from '../../src/sagemaker/credentials.ts';
import { toManagedEndpoint } from '../../src/sagemaker/managed-endpoint.ts';
import { openSageMakerTarget } from '../../src/sagemaker/open-sagemaker-target.ts';
import { toInstant } from '../../src/shared/time.ts';
import type { Target } from '../../src/sync/ports.ts';
import { listen } from '../support/sagemaker-double/http.ts';
import { startSts } from '../support/sagemaker-double/sts.ts';

const clock = { now: () => toInstant(Date.now()), sleep: () => Promise.resolve() };
const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow';
const keys: AwsIdentity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'made-up' };

afterEach(() => {
  vi.unstubAllEnvs();
});

async function openDenied(options: {
  readonly chain: () => Promise<AwsIdentity>;
  readonly stsUrl: string;
  readonly said?: string;
}): Promise<{ target: Target } & AsyncDisposable> {
  const server = await listen(() =>
    Promise.resolve({
      status: 403,
      body: JSON.stringify({ message: options.said ?? 'User is not authorized to perform this' }),
    }),
  );
  const credentials = openCredentials({
    region: 'us-east-1',
    assumeRoleArn: null,
    clock,
    openChain: () => Promise.resolve(options.chain),
    askIdentity: async (provider) =>
      (
        await askCallerIdentity({
          region: 'us-east-1',
          endpoint: options.stsUrl,
          provider,
          timeoutMs: 5000,
        })
      ).arn,
  });
  const target = await openSageMakerTarget(
    { trackingUri: arn, timeoutMs: 5000, maxRetries: 1, clock },
    {
      endpoint: toManagedEndpoint(
        { arn, region: 'us-east-1', resource: 'mlflow-tracking-server' },
        server.url,
      ),
      credentials,
      artifactWriters: {},
    },
  );
  return {
    target,
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

it('is asked of STS once a run, however often IAM denies, and named with the action', async () => {
  await using sts = await startSts({ keys: { [keys.accessKeyId]: keys } });
  await using denied = await openDenied({ chain: () => Promise.resolve(keys), stsUrl: sts.url });
  for (const call of ['a', 'b', 'c']) {
    await expect(denied.target.findExperiment(call)).rejects.toMatchObject({
      code: 'MLFLOW_AUTH',
      message: expect.stringMatching(
        /arn:aws:iam::123456789012:user\/worker, which needs sagemaker-mlflow:GetExperimentByName on arn/,
      ) as string,
    });
  }
  expect(sts.seen.map(({ Action }) => Action)).toEqual(['GetCallerIdentity']);
});

it('does not hide a denial when neither STS nor the chain of credentials answers any more', async () => {
  await using sts = await startSts({ keys: { [keys.accessKeyId]: keys } });
  sts.setDown(true);
  let asked = 0;
  const chain = (): Promise<AwsIdentity> => {
    asked += 1;
    return asked === 1 ? Promise.resolve(keys) : Promise.reject(new Error('metadata is down'));
  };
  await using denied = await openDenied({ chain, stsUrl: sts.url });
  await expect(denied.target.findExperiment('x')).rejects.toMatchObject({
    code: 'MLFLOW_AUTH',
    message: expect.stringMatching(/not authorized.*the access key …MPLE/) as string,
  });
  expect(asked).toBe(2);
});

it('gives up on a key that AWS does not take, when there is no other', async () => {
  await using sts = await startSts({ keys: {} });
  let asked = 0;
  const chain = (): Promise<AwsIdentity> => {
    asked += 1;
    return asked === 1 ? Promise.resolve(keys) : Promise.reject(new Error('metadata is down'));
  };
  const said = 'The security token included in the request is invalid.';
  await using denied = await openDenied({ chain, stsUrl: sts.url, said });
  await expect(denied.target.findExperiment('x')).rejects.toMatchObject({
    code: 'AWS_CREDENTIALS',
  });
});

it('lets the wait for credentials not count as time of the answer', async () => {
  await using server = await listen(() =>
    Promise.resolve({
      status: 404,
      body: '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}',
    }),
  );
  const credentials = openCredentials({
    region: 'us-east-1',
    assumeRoleArn: null,
    clock,
    openChain: () =>
      Promise.resolve(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return keys;
      }),
  });
  await using target = await openSageMakerTarget(
    { trackingUri: arn, timeoutMs: 1000, maxRetries: 0, clock },
    {
      endpoint: toManagedEndpoint(
        { arn, region: 'us-east-1', resource: 'mlflow-tracking-server' },
        server.url,
      ),
      credentials,
      artifactWriters: {},
    },
  );
  expect(await target.findExperiment('x')).toBeNull();
});

it('assumes a role with the external id and the name of the session', async () => {
  await using sts = await startSts({ keys: { [keys.accessKeyId]: keys }, region: 'eu-west-1' });
  const ask = async (
    role: string | null,
  ): Promise<Readonly<Record<string, string>> | undefined> => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey);
    const credentials = openCredentials({
      region: 'eu-west-1',
      assumeRoleArn: role,
      externalId: 'team-7',
      roleSessionName: 'night',
      stsEndpoint: sts.url,
      clock,
    });
    const { sessionToken } = await credentials.provider();
    expect(sessionToken).toMatch(/^token-/);
    return sts.seen.at(-1);
  };
  expect(await ask('arn:aws:iam::123456789012:role/writer')).toMatchObject({
    Action: 'AssumeRole',
    RoleArn: 'arn:aws:iam::123456789012:role/writer',
    ExternalId: 'team-7',
    RoleSessionName: 'night',
  });
});
