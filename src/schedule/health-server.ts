/** `/healthz`, `/readyz` and `/metrics` on a socket of their own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../shared/errors.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface HealthParts {
  readonly address: ListenAddress;
  /** What the scheduler does and what its last run came to. */
  readonly describe: () => Readonly<Record<string, unknown>>;
  /** False from a run that failed until one that did not. */
  readonly isReady: () => boolean;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HealthServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
}

/** Listens until it is disposed. Throws LISTEN_FAILED where it can't. */
export async function startHealthServer(parts: HealthParts): Promise<HealthServer> {
  const { host, port } = parts.address;
  const server = createServer((request, response) => {
    answer(parts, request, response);
  });
  // Nobody who holds a connection open, or sends slowly, keeps others out.
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code ?? cause.message;
      const message = `Can't listen on ${host}:${port}: ${reason}.`;
      reject(new AppError('LISTEN_FAILED', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${shown}:${bound.port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(parts: HealthParts, request: IncomingMessage, response: ServerResponse): void {
  const send = (status: number, contentType: string, body: string): void => {
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const sendJson = (status: number, body: unknown): void =>
    send(status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendJson(405, { error: 'only GET and HEAD' });
    return;
  }
  switch (request.url?.split('?')[0]) {
    case '/healthz':
      sendJson(200, { status: 'ok', ...parts.describe() });
      return;
    case '/readyz': {
      const isReady = parts.isReady();
      sendJson(isReady ? 200 : 503, { status: isReady ? 'ready' : 'failing', ...parts.describe() });
      return;
    }
    case '/metrics':
      parts.metrics().then(
        ({ contentType, text }) => send(200, contentType, text),
        // The reason may name files; a scraper only needs to know that there is nothing to scrape.
        () => sendJson(500, { error: 'the metrics could not be collected' }),
      );
      return;
    default:
      sendJson(404, { error: 'there are /healthz, /readyz and /metrics' });
  }
}
