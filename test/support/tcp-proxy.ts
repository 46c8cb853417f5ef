/** A TCP proxy in front of any server that cuts, truncates, stalls or delays at a chosen byte of all that it passes. */
import { connect, createServer, type Socket } from 'node:net';

export interface ByteFault {
  /** `up`: towards the server; `down`: back from it. */
  readonly direction: 'up' | 'down';
  /**
   * - `cut`: both ends are broken off at that byte.
   * - `truncate`: the end that was to get the rest is closed in good order without it.
   * - `stall`: nothing more comes that way, and the connection stays open.
   * - `delay`: the rest comes a moment later.
   */
  readonly action: 'cut' | 'truncate' | 'stall' | 'delay';
  /** Counted over all connections since the fault was set. */
  readonly atByte: number;
}

export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Bytes passed on since the last fault was set. */
  readonly passed: { up: number; down: number };
  /** From now on, once; `null` for none. Counting begins anew. */
  setFault(fault: ByteFault | null): void;
  hasHappened(): boolean;
}

const delayMs = 200;

export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const passed = { up: 0, down: 0 };
  let fault: ByteFault | null = null;
  let isDone = false;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const destroy = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', destroy);
      socket.on('close', () => {
        sockets.delete(socket);
        destroy();
      });
    }
    join('up', client, upstream);
    join('down', upstream, client);
  });

  /** Of a connection that was harmed, nothing more is passed that way. */
  function join(direction: ByteFault['direction'], from: Socket, to: Socket): void {
    let isClosed = false;
    from.on('data', (chunk: Buffer) => {
      if (isClosed) return;
      const before = passed[direction];
      passed[direction] += chunk.length;
      if (isDone || fault?.direction !== direction || before + chunk.length <= fault.atByte) {
        to.write(chunk);
        return;
      }
      isDone = true;
      const part = chunk.subarray(0, Math.max(0, fault.atByte - before));
      const { action } = fault;
      if (part.length > 0) to.write(part);
      if (action === 'delay') {
        from.pause();
        setTimeout(() => {
          to.write(chunk.subarray(part.length));
          from.resume();
        }, delayMs);
        return;
      }
      isClosed = true;
      if (action === 'truncate') to.end();
      else if (action === 'cut') {
        to.destroySoon();
        from.destroy();
      }
    });
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    passed,
    setFault(next) {
      fault = next;
      isDone = false;
      passed.up = 0;
      passed.down = 0;
    },
    hasHappened: () => isDone,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
