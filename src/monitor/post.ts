/** One request to a receiver of news. It is told in time or not at all: nobody waits for a monitor. */

const timeoutMs = 5000;

export interface Post {
  readonly url: URL;
  readonly contentType: string;
  readonly body: string;
}

/** Resolves with null, or with why it failed, in words that never hold the URL: it may be a secret. */
export async function post({ url, contentType, body }: Post): Promise<string | null> {
  const headers: Record<string, string> = { 'content-type': contentType };
  const target = new URL(url);
  if (target.username !== '') {
    const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    target.username = '';
    target.password = '';
  }
  try {
    const response = await fetch(target, {
      method: 'POST',
      headers,
      body,
      // Where it leads was never agreed to, and the body would go there.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.ok ? null : `it answered with status ${response.status}`;
  } catch (error) {
    return toReason(error);
  }
}

function toReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no answer came within ${timeoutMs / 1000} s`;
  }
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
  return code === null ? 'it could not be reached' : `it could not be reached (${code})`;
}
