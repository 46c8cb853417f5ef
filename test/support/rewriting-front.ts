/** An HTTP server in front of another that says something else in its place. */
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FrontAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

export interface RewritingFront extends AsyncDisposable {
  readonly url: string;
  /** Each request: its path and the credentials it came with. */
  readonly seen: { readonly path: string; readonly authorization: string | undefined }[];
  /** Given a request and what the server behind answered; default: that. */
  rewrite: (path: string, answer: FrontAnswer) => FrontAnswer;
}

/** `targetUrl` null: nothing is behind it, and it answers `{"data":[]}`. */
export async function startRewritingFront(targetUrl: string | null): Promise<RewritingFront> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const { authorization } = request.headers;
    front.seen.push({ path, authorization });
    void ask(path, authorization)
      .then((answer) => {
        const { status, headers, body } = front.rewrite(path, answer);
        response.writeHead(status, headers).end(body);
        return undefined;
      })
      .catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  async function ask(path: string, authorization: string | undefined): Promise<FrontAnswer> {
    const headers = { 'content-type': 'application/json' };
    if (targetUrl === null) return { status: 200, headers, body: '{"data":[]}' };
    const answer = await fetch(new URL(path, targetUrl), {
      headers: authorization === undefined ? {} : { authorization },
    });
    return { status: answer.status, headers, body: await answer.text() };
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const front: RewritingFront = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    rewrite: (_path, answer) => answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return front;
}
