/** An HTTP proxy that frames answers in a way of its choice, and ends the connection in good order at a chosen byte. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/**
 * - `length`: `Content-Length` announces the whole, less is sent.
 * - `chunked`: the last chunks, or a part of one, and the end mark are missing.
 * - `gzip`: `Content-Length` is that of what is sent, and what is sent is not all of the compressed text.
 */
export type Framing = 'length' | 'chunked' | 'gzip';

/** Bytes at the end of a body without which its text is whole: the end mark; the checksum, the size and the end of the block. */
const afterText = { length: 0, chunked: 7, gzip: 10 } as const;

export interface FramingProxy extends AsyncDisposable {
  readonly url: string;
  framing: Framing;
  /** How many bytes of a body get through, of so many that hold all of its text; `null` (default): all. */
  cut: (target: string, bytes: number) => number | null;
}

export async function startFramingProxy(targetUrl: string): Promise<FramingProxy> {
  const server = createServer((request) => {
    answer(request).catch(() => request.socket.destroy());
  });
  async function answer(request: IncomingMessage): Promise<void> {
    const target = request.url ?? '';
    const reply = await fetch(`${targetUrl}${target}`, {
      headers: {
        authorization: request.headers.authorization ?? '',
        'accept-encoding': 'identity',
      },
    });
    const plain = Buffer.from(await reply.arrayBuffer());
    const body = frame(proxy.framing, plain);
    const cut = proxy.cut(target, body.length - afterText[proxy.framing]);
    const sent = body.subarray(0, cut ?? body.length);
    const lines = [
      `HTTP/1.1 ${reply.status} ${reply.statusText}`,
      `content-type: ${reply.headers.get('content-type') ?? 'application/json'}`,
      `date: ${reply.headers.get('date') ?? new Date().toUTCString()}`,
      ...headersOf(proxy.framing, { announced: body.length, sent: sent.length }),
      'connection: close',
    ];
    request.socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), sent]));
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const proxy: FramingProxy = {
    url: `http://127.0.0.1:${port}`,
    framing: 'length',
    cut: () => null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return proxy;
}

function frame(framing: Framing, plain: Buffer): Buffer {
  if (framing === 'length') return plain;
  if (framing === 'gzip') return gzipSync(plain);
  const parts: Buffer[] = [];
  for (let at = 0; at < plain.length; at += 1000) {
    const part = plain.subarray(at, at + 1000);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function headersOf(
  framing: Framing,
  lengths: { readonly announced: number; readonly sent: number },
): string[] {
  if (framing === 'chunked') return ['transfer-encoding: chunked'];
  if (framing === 'length') return [`content-length: ${lengths.announced}`];
  return ['content-encoding: gzip', `content-length: ${lengths.sent}`];
}
