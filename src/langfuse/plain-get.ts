/**
 * The thin `fetch` for the calls that the SDK can't make or can't make safely
 * (docs/decisions/0001-langfuse-sdk.md).
 */
import { parseJson } from '../shared/parse-json.ts';
import { guarded, type GuardedCall } from './guarded-fetch.ts';
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
  readonly maxBytes: number;
}): Promise<WireAnswer> {
  const call: GuardedCall = { maxBytes: request.maxBytes, bytes: 0, refusal: null };
  try {
    const response = await guarded(call, () =>
      fetch(request.url, {
        signal: request.attempt.signal,
        headers: {
          accept: 'application/json',
          ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
        },
      }),
    );
    const text = await response.text();
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
    const { bytes } = call;
    if (body === undefined) {
      return { kind: 'not_json', isHtml: looksLikeHtml(text), sample: toSample(text), bytes };
    }
    return { kind: 'json', body, bytes, dateMs: toDateMs(response.headers.get('date')) };
  } catch (error) {
    return call.refusal ?? { kind: 'no_answer', detail: String(error), cause: error };
  }
}
