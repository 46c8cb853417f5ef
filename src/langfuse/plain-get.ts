/**
 * The thin `fetch` for the calls that the SDK can't make or can't make safely
 * (docs/decisions/0001-langfuse-sdk.md). It follows no redirect.
 */
import { parseJson } from '../shared/parse-json.ts';
import {
  looksLikeHtml,
  toDateMs,
  toSample,
  toServerMessage,
  type Attempt,
  type WireAnswer,
} from './wire-answer.ts';

/** GETs JSON. `authorization` is left out for calls that must carry no credentials. Never throws. */
export async function getPlain(request: {
  readonly url: string;
  readonly authorization?: string;
  readonly attempt: Attempt;
}): Promise<WireAnswer> {
  try {
    const response = await fetch(request.url, {
      redirect: 'manual',
      signal: request.attempt.signal,
      headers: {
        accept: 'application/json',
        ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
      },
    });
    const text = await response.text();
    if (response.status >= 300 && response.status < 400) {
      const to = response.headers.get('location') ?? '';
      return {
        kind: 'redirect',
        to: URL.canParse(to, request.url) ? new URL(to, request.url).origin : 'nowhere',
      };
    }
    const body = parseJson(text);
    if (!response.ok) {
      return {
        kind: 'status',
        status: response.status,
        ...toServerMessage(body ?? text),
        retryAfter: response.headers.get('retry-after'),
        rateLimitReset: response.headers.get('x-ratelimit-reset'),
      };
    }
    const bytes = Number(response.headers.get('content-length') ?? Buffer.byteLength(text));
    if (body === undefined) {
      return { kind: 'not_json', isHtml: looksLikeHtml(text), sample: toSample(text), bytes };
    }
    return { kind: 'json', body, bytes, dateMs: toDateMs(response.headers.get('date')) };
  } catch (error) {
    return { kind: 'no_answer', detail: toNetworkDetail(error), cause: error };
  }
}

/** `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9`: what `fetch` keeps in its chain of causes. */
function toNetworkDetail(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error)
    innermost = innermost.cause;
  if (!(innermost instanceof Error)) return String(innermost);
  const { code } = innermost as NodeJS.ErrnoException;
  return code === undefined || innermost.message.includes(code)
    ? innermost.message || (code ?? innermost.name)
    : `${code}: ${innermost.message}`;
}
