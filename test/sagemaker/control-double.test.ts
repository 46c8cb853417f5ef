/** The doors of the double are as strict as those they stand for; what passes here means something elsewhere. */
import { describe, expect, it } from 'vitest';
import { goldenKey, goldenMs, goldenVectors } from '../support/sagemaker-double/golden-vectors.ts';
import { verifySignature } from '../support/sagemaker-double/verify-signature.ts';

const nowMs = goldenMs;
const { secretAccessKey } = goldenKey;

describe.each(goldenVectors)('a request that botocore signed: $name', (golden) => {
  const url = new URL(golden.url);
  const request = {
    method: golden.method,
    target: `${url.pathname}${url.search}`,
    headers: {
      ...golden.headers,
      host: url.host,
      authorization: golden.auth,
      'x-amz-date': golden.amzdate,
      'x-amz-content-sha256': golden.sha,
      ...(golden.token === null ? {} : { 'x-amz-security-token': golden.token }),
    } as Record<string, string>,
    body: Buffer.from(golden.body),
  };
  const key = {
    secretAccessKey,
    ...(golden.token === null ? {} : { sessionToken: golden.token }),
  };
  const expected = {
    service: golden.service,
    region: golden.region,
    keys: new Map([['AKIDEXAMPLE', key]]),
    nowMs,
    mustSign: ['x-amz-content-sha256', ...Object.keys(golden.headers)],
  };

  it('is taken', () => {
    expect(verifySignature(request, expected)).toEqual({ ok: true, accessKeyId: 'AKIDEXAMPLE' });
  });

  it.each<[string, Partial<typeof request>, Partial<typeof expected>, RegExp]>([
    ['another method', { method: 'PUT' }, {}, /does not match/],
    ['another path', { target: `/x${request.target}` }, {}, /does not match/],
    ['one more parameter', { target: `${request.target}?&z=1` }, {}, /does not match/],
    ['another body', { body: Buffer.from('{}') }, {}, /payload/],
    ['another service', {}, { service: 'execute-api' }, /correct service/],
    ['another region', {}, { region: 'eu-west-1' }, /valid region/],
    ['an unknown key', {}, { keys: new Map() }, /token included in the request is invalid/],
    [
      'another secret',
      {},
      { keys: new Map([['AKIDEXAMPLE', { ...key, secretAccessKey: 'other' }]]) },
      /does not match/,
    ],
    [
      'another session token',
      {},
      { keys: new Map([['AKIDEXAMPLE', { ...key, sessionToken: 'other' }]]) },
      /invalid/,
    ],
    [
      'an expired key',
      {},
      { keys: new Map([['AKIDEXAMPLE', { ...key, expiresAtMs: nowMs }]]) },
      /expired/,
    ],
    ['a clock six minutes ahead', {}, { nowMs: nowMs - 360_000 }, /not yet current/],
    ['a clock six minutes behind', {}, { nowMs: nowMs + 360_000 }, /Signature expired/],
    ['a header left unsigned', {}, { mustSign: ['accept'] }, /must be a signed header/],
  ])('is refused with %s', (_, request_, expected_, reason) => {
    const verdict = verifySignature({ ...request, ...request_ }, { ...expected, ...expected_ });
    expect(verdict).toMatchObject({ ok: false, message: expect.stringMatching(reason) as string });
  });
});
