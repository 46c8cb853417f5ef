/** A store on loopback that speaks S3 as those before conditional writes did. It checks no keys. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface CarelessStore extends AsyncDisposable {
  readonly url: string;
  /** Path to the text that is kept there. */
  readonly objects: ReadonlyMap<string, string>;
}

/** `ignores`: writes whatever the condition says; `refuses`: answers 501 to a write with a condition. */
export async function startCarelessStore(manner: 'ignores' | 'refuses'): Promise<CarelessStore> {
  const objects = new Map<string, string>();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'PUT') {
      const { headers } = request;
      const isConditional = 'if-match' in headers || 'if-none-match' in headers;
      if (isConditional && manner === 'refuses') {
        response.writeHead(501).end(toXml('NotImplemented', 'A header is not implemented.'));
        return;
      }
      const text = Buffer.concat(chunks).toString();
      objects.set(path, text);
      response.writeHead(200, { etag: toEtag(text) }).end();
      return;
    }
    const text = objects.get(path);
    if (text === undefined) {
      response.writeHead(404).end(toXml('NoSuchKey', 'The specified key does not exist.'));
      return;
    }
    const written = new Date(Date.now() - 1000).toUTCString();
    response.writeHead(200, { etag: toEtag(text), 'last-modified': written }).end(text);
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

function toEtag(text: string): string {
  return `"${createHash('md5').update(text).digest('hex')}"`;
}

function toXml(code: string, message: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}
