/** A loopback server in front of a real MLflow (or of nothing) that can be told to fail in the ways networks do. */
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

export interface SeenRequest {
  readonly method: string;
  /** Path with query, as it came. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * - `pass`: hand on, and hand the answer back.
 * - `lose-answer`: hand on, then break the connection instead of answering.
 * - `reset`: break the connection at once.
 * - `hang`: never answer.
 * - an answer of its own.
 */
export type ProxyAction =
  | 'pass'
  | 'lose-answer'
  | 'reset'
  | 'hang'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

export interface MlflowProxy extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Decides for each request from now on; `pass` by default. */
  onRequest: (request: SeenRequest) => ProxyAction | Promise<ProxyAction>;
}

/** Starts a proxy for `targetUrl`; without one, `pass` is answered with 502. */
export async function startMlflowProxy(targetUrl?: string): Promise<MlflowProxy> {
  const seen: SeenRequest[] = [];
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const entry: SeenRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: await readBody(request),
    };
    seen.push(entry);
    await act(await proxy.onRequest(entry), { entry, response, targetUrl });
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  const proxy: MlflowProxy = {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    onRequest: () => 'pass',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return proxy;
}

interface Exchange {
  readonly entry: SeenRequest;
  readonly response: ServerResponse;
  readonly targetUrl: string | undefined;
}

async function act(action: ProxyAction, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  if (action === 'hang') return;
  if (action === 'reset') {
    response.destroy();
    return;
  }
  if (typeof action === 'object') {
    response.writeHead(action.status, action.headers ?? {}).end(action.body ?? '');
    return;
  }
  const answer = await passOn(exchange);
  if (action === 'lose-answer') response.destroy();
  else response.writeHead(answer.status, answer.headers).end(answer.body);
}

interface PassedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function passOn({ entry, targetUrl }: Exchange): Promise<PassedAnswer> {
  if (targetUrl === undefined)
    return { status: 502, headers: {}, body: Buffer.from('nothing behind this proxy') };
  const target = new URL(targetUrl);
  const headers: IncomingHttpHeaders = {
    ...entry.headers,
    host: target.host,
    connection: 'close',
    'content-length': String(entry.body.length),
  };
  delete headers['transfer-encoding'];
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const upstream = httpRequest(
      { host: target.hostname, port: target.port, method: entry.method, path: entry.path, headers },
      resolve,
    );
    upstream.on('error', reject);
    upstream.end(entry.body);
  });
  const body = await readBody(answer);
  const answerHeaders = { ...answer.headers };
  delete answerHeaders['transfer-encoding'];
  delete answerHeaders.connection;
  return { status: answer.statusCode ?? 502, headers: answerHeaders, body };
}

async function readBody(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
