/** AWS Signature Version 4 checked on the receiving side, on node:crypto alone: nothing of the signer under test is used. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they came over the socket. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface KnownKey {
  readonly secretAccessKey: string;
  /** A temporary key is taken only with its token. */
  readonly sessionToken?: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs?: number;
}

export interface Expected {
  /** `sagemaker-mlflow`, `sagemaker` or `sts`. */
  readonly service: string;
  readonly region: string;
  readonly keys: ReadonlyMap<string, KnownKey>;
  readonly nowMs: number;
  /** Headers that must be among the signed ones. */
  readonly mustSign: readonly string[];
}

export type Verdict =
  | { readonly ok: true; readonly accessKeyId: string }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export type RefusalCode =
  | 'MissingAuthenticationTokenException'
  | 'IncompleteSignatureException'
  | 'InvalidSignatureException'
  | 'UnrecognizedClientException'
  | 'ExpiredTokenException';

const toleranceMs = 5 * 60_000;
const authorization =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

export function verifySignature(request: SignedRequest, expected: Expected): Verdict {
  const { headers } = request;
  if (headers['authorization'] === undefined)
    return refuse('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const parts = authorization.exec(headers['authorization'])?.slice(1);
  if (parts === undefined)
    return refuse(
      'IncompleteSignatureException',
      'Authorization header is not of AWS4-HMAC-SHA256.',
    );
  const [accessKeyId = '', day = '', region = '', service = '', list = '', signature = ''] = parts;
  const signedHeaders = list.split(';');
  const amzDate = headers['x-amz-date'] ?? '';
  const signedAtMs = parseAmzDate(amzDate);

  if (service !== expected.service)
    return refuse(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${expected.service}'.`,
    );
  if (region !== expected.region)
    return refuse(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${region}'.`,
    );
  if (signedAtMs === null || !amzDate.startsWith(day))
    return refuse('IncompleteSignatureException', 'X-Amz-Date does not fit the credential scope.');
  if (signedAtMs < expected.nowMs - toleranceMs)
    return refuse(
      'InvalidSignatureException',
      `Signature expired: ${amzDate} is now earlier than ${toAmzDate(expected.nowMs - toleranceMs)}`,
    );
  if (signedAtMs > expected.nowMs + toleranceMs)
    return refuse(
      'InvalidSignatureException',
      `Signature not yet current: ${amzDate} is still later than ${toAmzDate(expected.nowMs + toleranceMs)}`,
    );
  const key = expected.keys.get(accessKeyId);
  if (key === undefined || key.sessionToken !== headers['x-amz-security-token'])
    return refuse(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= expected.nowMs)
    return refuse('ExpiredTokenException', 'The security token included in the request is expired');
  const unsigned = [
    'host',
    'x-amz-date',
    ...(key.sessionToken === undefined ? [] : ['x-amz-security-token']),
    ...expected.mustSign,
  ].find((name) => !signedHeaders.includes(name) || headers[name] === undefined);
  if (unsigned !== undefined)
    return refuse('InvalidSignatureException', `'${unsigned}' must be a signed header.`);

  const bodyHash = sha256(request.body);
  const named = headers['x-amz-content-sha256'];
  if (named !== undefined && named !== bodyHash)
    return refuse('InvalidSignatureException', 'The payload is not the one that was signed.');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const canonical = toCanonicalRequest(request, { signedHeaders, bodyHash });
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonical)].join('\n');
  const signingKey = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (from, text) => createHmac('sha256', from).update(text).digest(),
    `AWS4${key.secretAccessKey}`,
  );
  const right = createHmac('sha256', signingKey).update(toSign).digest();
  return timingSafeEqual(right, Buffer.from(signature, 'hex'))
    ? { ok: true, accessKeyId }
    : refuse(
        'InvalidSignatureException',
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
      );
}

/** What AWS builds of a request that is not for S3: the path is escaped once more, the query sorted. */
function toCanonicalRequest(
  request: SignedRequest,
  signed: { readonly signedHeaders: readonly string[]; readonly bodyHash: string },
): string {
  const [path = '/', query = ''] = request.target.split(/\?(.*)/s);
  return [
    request.method,
    path.split('/').map(escapeRfc3986).join('/'),
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        return [name, value].map((text) => escapeRfc3986(decodeURIComponent(text)));
      })
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&'),
    ...signed.signedHeaders.map(
      (name) => `${name}:${(request.headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`,
    ),
    '',
    signed.signedHeaders.join(';'),
    signed.bodyHash,
  ].join('\n');
}

function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function parseAmzDate(text: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function toAmzDate(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function refuse(code: RefusalCode, message: string): Verdict {
  return { ok: false, code, message };
}
