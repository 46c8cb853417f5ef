/** A TCP proxy in front of any HTTP/1.1 server that cuts, stalls and truncates exchanges at chosen bytes. */
import { connect, createServer, type Socket } from 'node:net';
import { messageEnd, toPosition, withLength, type Place } from './http-bytes.ts';

export interface Harm {
  /** What is harmed: the request on its way to the server, or the server's answer to it. */
  readonly side: 'request' | 'response';
  /** How much gets through. */
  readonly place: Place;
  /**
   * - `cut`: both connections are broken off.
   * - `end`: closed in good order, with less than was announced.
   * - `stall`: nothing comes any more, and the connection stays open.
   * - `shorten`: the answer announces as much as is left of it, so that nothing but its text is wrong.
   */
  readonly how: 'cut' | 'end' | 'stall' | 'shorten';
}

export interface HarmProxy extends AsyncDisposable {
  readonly url: string;
  /** Exchanges so far. */
  exchanges: number;
  /** Asked for each exchange, before its first byte is handed on; `null` (default) harms nothing. */
  harm: (firstLine: string) => Harm | null;
}

export async function startHarmProxy(targetUrl: string): Promise<HarmProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    joinHarmed(client, upstream, (line) => {
      proxy.exchanges += 1;
      return proxy.harm(line);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  const proxy: HarmProxy = {
    url: `http://127.0.0.1:${address.port}`,
    exchanges: 0,
    harm: () => null,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return proxy;
}

/** Hands bytes on; a message that is to be harmed is held back until it is whole, and then handed on in part. */
function joinHarmed(client: Socket, upstream: Socket, ask: (line: string) => Harm | null): void {
  let harm: Harm | null = null;
  let isAnswered = true;
  let held = Buffer.alloc(0);

  function pass(side: Harm['side'], chunk: Buffer, to: Socket): void {
    if (harm?.side !== side) {
      to.write(chunk);
      return;
    }
    held = Buffer.concat([held, chunk]);
    if (messageEnd(held) === null) return;
    const part = held.subarray(0, toPosition(held, harm.place));
    const { how } = harm;
    const finish = (): void => {
      if (how === 'cut') to.resetAndDestroy();
      else if (how === 'end') to.end();
    };
    const bytes = how === 'shorten' ? withLength(part) : part;
    if (bytes.length === 0) finish();
    else to.write(bytes, finish);
    if (how === 'shorten') harm = null;
  }

  client.on('data', (chunk: Buffer) => {
    if (isAnswered) {
      isAnswered = false;
      held = Buffer.alloc(0);
      harm = ask(chunk.toString('latin1').split('\r\n', 1)[0] ?? '');
    }
    pass('request', chunk, upstream);
  });
  upstream.on('data', (chunk: Buffer) => {
    isAnswered = true;
    pass('response', chunk, client);
  });
}
