/** What both planes of the double need of HTTP. */
import { createServer, type IncomingMessage } from 'node:http';
import type { SignedRequest } from './verify-signature.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface LoopbackServer extends AsyncDisposable {
  readonly url: string;
}

/** Listens on a free port. A fault of the double itself closes the connection, so that no test takes it for an answer. */
export async function listen(
  answer: (request: SignedRequest) => Promise<Answer>,
): Promise<LoopbackServer> {
  const server = createServer((incoming, response) => {
    readRequest(incoming)
      .then(answer)
      .then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.destroy(),
      );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the double has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.entries(incoming.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(',') : (value ?? ''),
  ]);
  return {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks),
  };
}

export function toJsonAnswer(status: number, body: unknown, contentType: string): Answer {
  return { status, headers: { 'content-type': contentType }, body: JSON.stringify(body) };
}
