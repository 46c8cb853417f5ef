/** A TCP proxy in front of a server that cuts answers at chosen bytes; what is sent is never changed, so signatures hold. */
import { connect, createServer, type Socket } from 'node:net';

export interface Cut {
  /** Which requests: matched against the first line, such as `PUT /bucket/key?x-id=PutObject HTTP/1.1`. */
  readonly request: RegExp;
  /**
   * How much of the answer is let through before both ends are broken off: 0 loses it whole. `request`: not even
   * the request reaches the server.
   */
  readonly afterBytes: number | 'request';
  /** How often; it is used up then. */
  readonly times: number;
}

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** First lines of all requests, in order. */
  readonly seen: string[];
  cut(cut: Cut): void;
  /** Cuts nothing more. */
  heal(): void;
}

export async function startCuttingProxy(targetUrl: string): Promise<CuttingProxy> {
  const target = new URL(targetUrl);
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  let active: Cut | null = null;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let left = Number.POSITIVE_INFINITY;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const [line] = /^(?:GET|PUT|POST|HEAD|DELETE) [^\r\n]+/.exec(chunk.toString('latin1')) ?? [];
      if (line !== undefined) {
        seen.push(line);
        left = Number.POSITIVE_INFINITY;
        if (active?.request.test(line)) {
          const { afterBytes, times } = active;
          active = times > 1 ? { ...active, times: times - 1 } : null;
          if (afterBytes === 'request') {
            end();
            return;
          }
          left = afterBytes;
        }
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (chunk.length < left) {
        left -= chunk.length;
        client.write(chunk);
        return;
      }
      const rest = chunk.subarray(0, left);
      if (rest.length === 0) end();
      else client.write(rest, end);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    cut: (cut) => {
      active = cut;
    },
    heal: () => {
      active = null;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
