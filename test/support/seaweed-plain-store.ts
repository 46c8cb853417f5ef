/** A store on loopback that speaks S3 in the manner of others than SeaweedFS. It checks no keys. */
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';

/**
 * - `ignores`: writes whatever the condition says, as stores did before 2024.
 * - `refuses`: answers 501 to a write with a condition.
 * - `aws`: keeps conditions as AWS documents them, with 404 for `If-Match` where nothing is, and its checksums.
 */
export type StoreManner = 'ignores' | 'refuses' | 'aws';

export interface PlainStore extends AsyncDisposable {
  readonly url: string;
  /** Path to the bytes that are kept there; may be changed. */
  readonly objects: Map<string, Buffer>;
}

export async function startPlainStore(manner: StoreManner): Promise<PlainStore> {
  const objects = new Map<string, Buffer>();
  /** Checksums and metadata, as they came. */
  const kept = new Map<string, OutgoingHttpHeaders>();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const body = await readBody(request);
    const current = objects.get(path);
    if (request.method === 'PUT') {
      const refusal = toRefusal(manner, request.headers, current);
      if (refusal !== null) {
        response.writeHead(refusal.status).end(toXml(refusal.code));
        return;
      }
      objects.set(path, body);
      const names = Object.entries(request.headers).filter(([name]) =>
        /^x-amz-(meta-|checksum-sha256)/.test(name),
      );
      kept.set(path, Object.fromEntries(names));
      response.writeHead(200, { etag: toEtag(body) }).end();
      return;
    }
    if (current === undefined) {
      response.writeHead(404).end(toXml('NoSuchKey'));
      return;
    }
    const written = new Date(Date.now() - 1000).toUTCString();
    const headers = { ...kept.get(path), etag: toEtag(current), 'last-modified': written };
    response.writeHead(200, headers).end(current);
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the store has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
function toRefusal(
  manner: StoreManner,
  headers: IncomingMessage['headers'],
  current: Buffer | undefined,
): Refusal | null {
  const wanted = headers['if-match'];
  const isNew = headers['if-none-match'] === '*';
  if (manner === 'ignores' || (wanted === undefined && !isNew)) return null;
  if (manner === 'refuses') return { status: 501, code: 'NotImplemented' };
  if (isNew) return current === undefined ? null : { status: 412, code: 'PreconditionFailed' };
  if (current === undefined) return { status: 404, code: 'NoSuchKey' };
  return toEtag(current) === wanted ? null : { status: 412, code: 'PreconditionFailed' };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function toEtag(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function toXml(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is.</Message></Error>`;
}
