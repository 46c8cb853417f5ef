/** Signatures are those of AWS's own client: vectors made with botocore, with made-up keys. */
import { describe, expect, it } from 'vitest';
import { toInstant } from '../../src/shared/time.ts';
import type { Clock } from '../../src/shared/clock.ts';
import {
  openCredentials,
  type AwsCredentials,
  type CredentialSettings,
} from '../../src/sagemaker/credentials.ts';
import { toManagedEndpoint } from '../../src/sagemaker/managed-endpoint.ts';
import { createSigningAuthoriser } from '../../src/sagemaker/sign-requests.ts';
import {
  goldenKey,
  goldenMs,
  goldenVectors,
  type GoldenVector,
} from '../support/sagemaker-double/golden-vectors.ts';

const nowMs = goldenMs;

function aClock(startMs: number): Clock & { skip: (ms: number) => void } {
  let ms = startMs;
  return {
    now: () => toInstant(ms),
    sleep: (waitMs) => {
      ms += waitMs;
      return Promise.resolve();
    },
    skip: (more) => {
      ms += more;
    },
  };
}

/** Without a role, unless one is given. */
function credentialsFrom(
  clock: Clock,
  given: Pick<CredentialSettings, 'openChain'> & Partial<CredentialSettings>,
): AwsCredentials {
  return openCredentials({ region: 'us-east-1', assumeRoleArn: null, clock, ...given });
}

function someCredentials(clock: Clock, token: string | null): AwsCredentials {
  const identity = {
    ...goldenKey,
    ...(token === null ? {} : { sessionToken: token }),
  };
  return credentialsFrom(clock, {
    openChain: () => Promise.resolve(() => Promise.resolve(identity)),
  });
}

function endpointOf(vector: GoldenVector): ReturnType<typeof toManagedEndpoint> {
  const arn = Object.values(vector.headers).find((value) => value.startsWith('arn:')) ?? '';
  const resource = arn.includes(':mlflow-app/') ? 'mlflow-app' : 'mlflow-tracking-server';
  return toManagedEndpoint({ arn, region: arn.split(':')[3] ?? '', resource }, null);
}

describe('the signature of a request', () => {
  it.each(goldenVectors)('is that of botocore: $name', async (vector) => {
    const clock = aClock(nowMs);
    const endpoint = endpointOf(vector);
    expect([endpoint.service, endpoint.region, endpoint.base.host]).toEqual([
      vector.service,
      vector.region,
      new URL(vector.url).host,
    ]);
    const authoriser = await createSigningAuthoriser({
      endpoint,
      credentials: someCredentials(clock, vector.token),
      clock,
    });
    const { [endpoint.header]: _, ...headers } = vector.headers;
    const added = await authoriser.authorise({
      method: vector.method as 'GET',
      url: new URL(vector.url),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: vector.body === '' ? null : vector.body,
    });
    expect(added).toMatchObject({
      authorization: vector.auth,
      'x-amz-date': vector.amzdate,
      'x-amz-content-sha256': vector.sha,
      [endpoint.header]: endpoint.arn,
    });
  });

  const [vector] = goldenVectors;
  if (vector === undefined) throw new Error('there are no vectors');
  const get = { method: 'GET', url: new URL(vector.url), headers: {}, body: null } as const;

  it('goes to SageMaker alone', async () => {
    const clock = aClock(nowMs);
    const authoriser = await createSigningAuthoriser({
      endpoint: endpointOf(vector),
      credentials: someCredentials(clock, null),
      clock,
    });
    expect(await authoriser.authorise({ ...get, url: new URL('https://example.com/') })).toEqual(
      {},
    );
  });

  it("takes AWS's clock when a refusal shows that this one is wrong, and says so", async () => {
    const clock = aClock(nowMs);
    const authoriser = await createSigningAuthoriser({
      endpoint: endpointOf(vector),
      credentials: someCredentials(clock, null),
      clock,
    });
    const refused = { text: '', headers: { date: new Date(nowMs + 3_600_000).toUTCString() } };
    authoriser.onRefused?.(refused);
    expect((await authoriser.authorise(get))['x-amz-date']).toBe('20260102T040405Z');
    expect(authoriser.explainRefusal?.(refused, get.url)).toContain('60 minutes behind');

    const right = { text: '', headers: { date: new Date(nowMs + 3000).toUTCString() } };
    expect(authoriser.explainRefusal?.(right, get.url)).toContain('the access key …MPLE');
  });
});

describe('credentials', () => {
  const expiring = (clock: Clock, key: string, lifeMs: number) => ({
    accessKeyId: key,
    secretAccessKey: 'made-up',
    expiration: new Date(clock.now() + lifeMs),
  });

  it('are asked for anew before they expire, and after a refusal', async () => {
    const clock = aClock(nowMs);
    let asked = 0;
    const credentials = credentialsFrom(clock, {
      openChain: () =>
        Promise.resolve(() => {
          asked += 1;
          return Promise.resolve(expiring(clock, `KEY${asked}`, 3_600_000));
        }),
    });
    expect((await credentials.provider()).accessKeyId).toBe('KEY1');
    clock.skip(50 * 60_000);
    expect((await credentials.provider()).accessKeyId).toBe('KEY1');
    clock.skip(6 * 60_000);
    expect((await credentials.provider()).accessKeyId).toBe('KEY2');
    credentials.refresh();
    expect((await credentials.provider()).accessKeyId).toBe('KEY3');
  });

  it('go on to be used while the chain fails, for as long as they hold', async () => {
    const clock = aClock(nowMs);
    let asked = 0;
    const credentials = credentialsFrom(clock, {
      openChain: () =>
        Promise.resolve(() => {
          asked += 1;
          return asked === 1
            ? Promise.resolve(expiring(clock, 'KEY1', 3_600_000))
            : Promise.reject(new Error('Could not load credentials from any providers'));
        }),
    });
    await credentials.provider();
    clock.skip(57 * 60_000);
    expect((await credentials.provider()).accessKeyId).toBe('KEY1');
    clock.skip(4 * 60_000);
    await expect(credentials.provider()).rejects.toMatchObject({
      code: 'AWS_CREDENTIALS',
      message: expect.stringContaining('Could not load credentials') as string,
    });
    // Once while they held, then until it is given up.
    expect(asked).toBe(1 + 1 + 4);
  });

  it('that were never there are missed at once', async () => {
    const clock = aClock(nowMs);
    let asked = 0;
    const credentials = credentialsFrom(clock, {
      assumeRoleArn: 'arn:aws:iam::123456789012:role/mlflow-writer',
      openChain: () => {
        asked += 1;
        return Promise.reject(new Error('not authorized to perform sts:AssumeRole'));
      },
    });
    await expect(credentials.provider()).rejects.toMatchObject({
      code: 'AWS_CREDENTIALS',
      message: expect.stringContaining('role/mlflow-writer could not be assumed') as string,
    });
    expect(asked).toBe(1);
  });
});
