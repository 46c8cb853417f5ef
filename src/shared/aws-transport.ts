/**
 * The way of AWS's clients through the proxies of the machine. Their own handler of requests knows no proxy
 * (https://github.com/aws/aws-sdk-js-v3/issues/5364), so undici's takes its place, with the same exceptions as for
 * every other server. Instance and container credentials are asked for beside it: they are never behind a proxy.
 */
import type { Readable } from 'node:stream';
import type { HttpHandler, HttpRequest } from '@smithy/core/protocols';
import { toProxyOptions, type Proxies } from './proxies.ts';

export interface AwsTransportTimes {
  /** Until a connection is there. */
  readonly connectMs?: number;
  /** Without a byte of the answer. */
  readonly idleMs?: number;
}

/** What a client of AWS is made with: a handler of requests, or nothing where there is no proxy. */
export interface AwsTransport {
  readonly requestHandler?: HttpHandler;
}

/** One for each client, which closes it. `proxies` absent or null for none. */
export async function openAwsTransport(
  proxies: Proxies | null | undefined,
  times: AwsTransportTimes = {},
): Promise<AwsTransport> {
  if (proxies === null || proxies === undefined) return {};
  const { EnvHttpProxyAgent } = await import('undici');
  const { buildQueryString, HttpResponse } = await import('@smithy/core/protocols');
  const { connectMs = 10_000, idleMs = 0 } = times;
  const agent = new EnvHttpProxyAgent({
    ...toProxyOptions(proxies),
    connect: { timeout: connectMs },
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
  });

  const requestHandler: HttpHandler = {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, { abortSignal } = {}) {
      const signal = abortSignal as AbortSignal | undefined;
      const query = buildQueryString(request.query);
      try {
        const answer = await agent.request({
          origin: toOrigin(request),
          path: query === '' ? request.path : `${request.path}?${query}`,
          method: request.method,
          headers: toHeaders(request),
          body: toBody(request),
          ...(signal === undefined ? {} : { signal }),
        });
        // Who turns away from an answer unread has undici's stream end with an error, which nobody would hear. Whoever
        // reads it hears of faults by a listener of his own.
        answer.body.on('error', () => {});
        const response = new HttpResponse({
          statusCode: answer.statusCode,
          headers: joinValues(answer.headers),
          body: answer.body,
        });
        return { response };
      } catch (error) {
        throw toAwsFault(error, signal);
      }
    },
    // The SDK changes handlers of its own by these; this one takes its settings once.
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {
      void agent.destroy();
    },
  };
  return { requestHandler };
}

function toOrigin({ protocol, hostname, port }: HttpRequest): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

/** Without `expect`, which is not signed: undici does not wait for a server's leave to send the body. */
function toHeaders({ headers }: HttpRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !['expect', 'connection'].includes(name.toLowerCase()),
    ),
  );
}

/** As the SDK hands it over: text, bytes or a stream; none for a request that has none. */
function toBody({ body }: HttpRequest): string | Uint8Array | Readable | null {
  return (body as string | Uint8Array | Readable | undefined) ?? null;
}

function joinValues(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return joined;
}

/** Broken connections and silence, which the SDK tries again by this name. */
const passingCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

function toAwsFault(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof Error)) return error;
  if (signal?.aborted === true) return toNamed('AbortError', 'Request aborted', error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // A proxy that refuses a tunnel is told by undici as if the request had been stopped.
  if (code === 'UND_ERR_ABORTED') return toNamed('ProxyError', error.message, error);
  return passingCodes.has(code) ? toNamed('TimeoutError', error.message, error) : error;
}

function toNamed(name: string, message: string, cause: Error): Error {
  return Object.assign(new Error(message, { cause }), { name });
}
