/** The doors of the double are as strict as those they stand for; what passes here means something elsewhere. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../support/sagemaker-double/verify-signature.ts';

interface Golden {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly service: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string | null;
  readonly auth: string;
  readonly amzdate: string;
  readonly sha: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/sagemaker/sigv4-golden.json', import.meta.url), 'utf8'),
) as Golden[];
const nowMs = Date.parse('2026-01-02T03:04:05Z');
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

describe.each(cases)('a request that botocore signed: $name', (golden) => {
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
