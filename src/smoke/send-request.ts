/** One chat request through LiteLLM, marked so that it can be found again in every place that it passes. */
import { z } from 'zod';
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import { collectBytes } from '../shared/collect-bytes.ts';
import { parseJson } from '../shared/parse-json.ts';

export interface Gateway {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly timeoutMs: number;
}

/** What LiteLLM answered. */
export interface GatewayAnswer {
  readonly sentMs: number;
  readonly elapsedMs: number;
  /** As LiteLLM's header tells it, or null. */
  readonly version: string | null;
  readonly callId: string | null;
  /** Null where the answer has no usage. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** USD by the header `x-litellm-response-cost`; null without it (LiteLLM knows no price). */
  readonly costUsd: number | null;
}

/** Of an answer of 16 tokens. */
const mostBytes = 10_000_000;

const answerSchema = z.object({
  choices: z.array(z.unknown()).min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

/**
 * `marker` becomes session and user of the call, and a part of its text, so that no cache answers it.
 * Throws LITELLM_AUTH, LITELLM_UNREACHABLE or LITELLM_REJECTED.
 */
export async function sendRequest(
  gateway: Gateway,
  request: { readonly marker: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<GatewayAnswer> {
  const { clock, marker } = request;
  const url = `${gateway.baseUrl}/v1/chat/completions`;
  const sentMs = clock.now();
  const { response, text } = await post(gateway, {
    url,
    signal: request.signal,
    body: {
      model: gateway.model,
      messages: [{ role: 'user', content: `Answer with one word. (${marker})` }],
      max_tokens: 16,
      user: marker,
      metadata: { session_id: marker, tags: ['langfuse-mlflow-smoke'] },
    },
  });
  if (!response.ok) throw toRefusal(gateway, { url, status: response.status, text });
  const answer = answerSchema.safeParse(parseJson(text));
  if (!answer.success) {
    throw new AppError(
      'LITELLM_REJECTED',
      `${url} answered ${response.status} with something else than a chat completion.`,
      {
        hint: 'Check LITELLM_BASE_URL (--litellm-url): a login page or another service may be answering.',
      },
    );
  }
  const { usage } = answer.data;
  return {
    sentMs,
    elapsedMs: clock.now() - sentMs,
    version: response.headers.get('x-litellm-version'),
    callId: response.headers.get('x-litellm-call-id'),
    promptTokens: usage?.prompt_tokens ?? null,
    completionTokens: usage?.completion_tokens ?? null,
    costUsd: toCost(response.headers.get('x-litellm-response-cost')),
  };
}

async function post(
  gateway: Gateway,
  request: { readonly url: string; readonly body: unknown; readonly signal: AbortSignal },
): Promise<{ readonly response: Response; readonly text: string }> {
  const deadline = AbortSignal.timeout(gateway.timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(request.body),
      // The body would follow to another host.
      redirect: 'manual',
      signal: AbortSignal.any([request.signal, deadline]),
    });
    const bytes = response.body === null ? null : await collectBytes(response.body, mostBytes);
    return { response, text: bytes?.toString('utf8') ?? '' };
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    const why = deadline.aborted
      ? `no answer within ${gateway.timeoutMs / 1000} s`
      : describeCause(error);
    throw new AppError('LITELLM_UNREACHABLE', `${request.url} could not be reached: ${why}.`, {
      cause: error,
    });
  }
}

function toRefusal(
  gateway: Gateway,
  answer: { readonly url: string; readonly status: number; readonly text: string },
): AppError {
  const { status } = answer;
  if (status >= 300 && status < 400) {
    return new AppError('LITELLM_REJECTED', `${answer.url} sends callers elsewhere (${status}).`, {
      hint: 'Set LITELLM_BASE_URL (--litellm-url) to the final address.',
    });
  }
  const said = messageOf(answer.text);
  // A proxy without a database knows its master key alone, and says this of every other one.
  const isUnknownKey = status === 400 && /no connected db/i.test(said);
  if (status === 401 || status === 403 || isUnknownKey) {
    return new AppError('LITELLM_AUTH', `LiteLLM refused the key (${status}): ${said}`);
  }
  return new AppError(
    'LITELLM_REJECTED',
    `LiteLLM did not answer the request to model ${JSON.stringify(gateway.model)} (${status}): ${said}`,
    { details: { status } },
  );
}

function messageOf(text: string): string {
  const parsed = z.object({ error: z.object({ message: z.string() }) }).safeParse(parseJson(text));
  const said = parsed.success ? parsed.data.error.message : text;
  return said.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}

function toCost(header: string | null): number | null {
  if (header === null || header.trim() === '') return null;
  const cost = Number(header);
  return Number.isFinite(cost) ? cost : null;
}

function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
