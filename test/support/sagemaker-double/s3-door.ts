/**
 * A door before a real S3 that takes temporary keys too, and forgets keys when it is told to. It knows a key by its id,
 * token and time, and signs what it lets through with the key of the server behind it, which checks that.
 */
import { createHash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { SeaweedServer } from '../seaweed-server.ts';
import { listen, type Answer } from './http.ts';
import { NodeSha256 } from './sign.ts';
import type { KnownKey, SignedRequest } from './verify-signature.ts';

export interface S3Door extends AsyncDisposable {
  readonly url: string;
  readonly keys: Map<string, KnownKey>;
  readonly seen: readonly { readonly line: string; readonly accessKeyId: string }[];
  /** Told of each request before it is judged. */
  onRequest: () => void;
}

export async function startS3Door(
  s3: SeaweedServer,
  options: { readonly keys: Map<string, KnownKey>; readonly now: () => number },
): Promise<S3Door> {
  const behind = new URL(s3.url);
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: s3.keys,
    sha256: NodeSha256,
    uriEscapePath: false,
  });
  const seen: { line: string; accessKeyId: string }[] = [];

  async function answer(request: SignedRequest): Promise<Answer> {
    door.onRequest();
    const { headers } = request;
    const accessKeyId = /Credential=([^/]+)/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    seen.push({ line: `${request.method} ${request.target}`, accessKeyId });
    const key = options.keys.get(accessKeyId);
    if (key === undefined) return refuse('InvalidAccessKeyId');
    if (key.sessionToken !== headers['x-amz-security-token']) return refuse('InvalidToken');
    if ((key.expiresAtMs ?? Number.POSITIVE_INFINITY) <= options.now())
      return refuse('ExpiredToken');
    return handOver(request);
  }

  async function handOver(request: SignedRequest): Promise<Answer> {
    const url = new URL(request.target, behind);
    const kept = Object.entries(request.headers).filter(([name]) =>
      /^(content-type|content-md5|if-.*|range|x-amz-(?!date|security-token|content-sha256).*)$/.test(
        name,
      ),
    );
    const signed = await signer.sign({
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: {
        ...Object.fromEntries(kept),
        host: url.host,
        'x-amz-content-sha256': createHash('sha256').update(request.body).digest('hex'),
      },
    });
    const { host: _, ...sent } = signed.headers;
    const answered = await fetch(url, {
      method: request.method,
      headers: sent,
      ...(['GET', 'HEAD'].includes(request.method) ? {} : { body: Buffer.from(request.body) }),
    });
    const dropped = new Set(['content-encoding', 'transfer-encoding', 'connection']);
    return {
      status: answered.status,
      headers: Object.fromEntries([...answered.headers].filter(([name]) => !dropped.has(name))),
      body: new Uint8Array(await answered.arrayBuffer()),
    };
  }

  const server = await listen(answer);
  const door: S3Door = {
    url: server.url,
    keys: options.keys,
    seen,
    onRequest: () => undefined,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return door;
}

function refuse(code: string): Answer {
  return {
    status: 403,
    headers: { 'content-type': 'application/xml' },
    body: `<Error><Code>${code}</Code><Message>The door does not take this key.</Message></Error>`,
  };
}
