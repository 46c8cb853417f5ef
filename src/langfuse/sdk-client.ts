/**
 * The calls this worker makes to Langfuse, each one attempt with one {@link WireAnswer}. The official SDK
 * (`@langfuse/client`) makes them, without its own retries and under our deadline; its faults that had to be
 * covered, and the two calls it is not used for, are in docs/decisions/0001-langfuse-sdk.md.
 */
import type { LangfuseClient } from '@langfuse/client';
import { guarded, type GuardedCall } from './guarded-fetch.ts';
import { getPlain } from './plain-get.ts';
import {
  looksLikeHtml,
  toDateMs,
  toSample,
  toServerMessage,
  type Attempt,
  type WireAnswer,
} from './wire-answer.ts';

type SdkApi = LangfuseClient['api'];
export type ObservationsV2Query = NonNullable<Parameters<SdkApi['observations']['getMany']>[0]>;
export type ObservationsV1Query = NonNullable<
  Parameters<SdkApi['legacy']['observationsV1']['getMany']>[0]
>;
export type TracesQuery = NonNullable<Parameters<SdkApi['trace']['list']>[0]>;
export type ScoresV3Query = NonNullable<Parameters<SdkApi['scoresV3']['getManyV3']>[0]>;
export type ScoresQuery = Pick<
  NonNullable<Parameters<SdkApi['scores']['getMany']>[0]>,
  'page' | 'limit' | 'fromTimestamp' | 'toTimestamp' | 'environment'
>;

export interface LangfuseApi {
  /** Base URL without credentials and without a slash at its end. */
  readonly baseUrl: string;
  /** Sent without credentials, so that a redirect or a stranger at that address never sees them. */
  health(attempt: Attempt): Promise<WireAnswer>;
  projects(attempt: Attempt): Promise<WireAnswer>;
  observationsV2(query: ObservationsV2Query, attempt: Attempt): Promise<WireAnswer>;
  metricsV2(query: string, attempt: Attempt): Promise<WireAnswer>;
  metricsV1(query: string, attempt: Attempt): Promise<WireAnswer>;
  observationsV1(query: ObservationsV1Query, attempt: Attempt): Promise<WireAnswer>;
  traces(query: TracesQuery, attempt: Attempt): Promise<WireAnswer>;
  trace(traceId: string, attempt: Attempt): Promise<WireAnswer>;
  scoresV3(query: ScoresV3Query, attempt: Attempt): Promise<WireAnswer>;
  scoresV2(query: ScoresQuery, attempt: Attempt): Promise<WireAnswer>;
  scoresV1(query: ScoresQuery, attempt: Attempt): Promise<WireAnswer>;
  /** Removes the keys from a text that a server wrote. */
  redact(text: string): string;
}

/** Makes the client; loads the SDK on first use. Sends nothing. */
export async function createLangfuseApi(keys: {
  readonly baseUrl: string;
  readonly publicKey: string;
  readonly secretKey: string;
  /** The largest answer that is held, unpacked. */
  readonly maxAnswerBytes: number;
}): Promise<LangfuseApi> {
  const { LangfuseClient } = await import('@langfuse/client');
  const baseUrl = toPlainBaseUrl(keys.baseUrl);
  const { api } = new LangfuseClient({
    publicKey: keys.publicKey,
    secretKey: keys.secretKey,
    baseUrl,
  });
  const credentials = Buffer.from(`${keys.publicKey}:${keys.secretKey}`).toString('base64');
  const { maxAnswerBytes: maxBytes } = keys;
  const viaSdk = createSdkCaller(maxBytes);

  return {
    baseUrl,
    health: (attempt) => getPlain({ url: `${baseUrl}/api/public/health`, attempt, maxBytes }),
    projects: (attempt) =>
      viaSdk(attempt, (options) => api.projects.get(options).withRawResponse()),
    observationsV2: (query, attempt) =>
      viaSdk(attempt, (options) => api.observations.getMany(query, options).withRawResponse()),
    metricsV2: (query, attempt) =>
      viaSdk(attempt, (options) => api.metrics.metrics({ query }, options).withRawResponse()),
    metricsV1: (query, attempt) =>
      viaSdk(attempt, (options) =>
        api.legacy.metricsV1.metrics({ query }, options).withRawResponse(),
      ),
    observationsV1: (query, attempt) =>
      viaSdk(attempt, (options) =>
        api.legacy.observationsV1.getMany(query, options).withRawResponse(),
      ),
    traces: (query, attempt) =>
      viaSdk(attempt, (options) => api.trace.list(query, options).withRawResponse()),
    trace: (traceId, attempt) =>
      viaSdk(attempt, (options) =>
        api.trace.get(traceId, { fields: 'core' }, options).withRawResponse(),
      ),
    scoresV3: (query, attempt) =>
      viaSdk(attempt, (options) => api.scoresV3.getManyV3(query, options).withRawResponse()),
    scoresV2: (query, attempt) =>
      viaSdk(attempt, (options) => api.scores.getMany(query, options).withRawResponse()),
    scoresV1: (query, attempt) =>
      getPlain({
        url: `${baseUrl}/api/public/scores?${toQueryString(query)}`,
        authorization: `Basic ${credentials}`,
        attempt,
        maxBytes,
      }),
    redact: (text) =>
      [credentials, keys.secretKey, keys.publicKey].reduce(
        (clean, secret) => (secret === '' ? clean : clean.replaceAll(secret, '***')),
        text,
      ),
  };
}

interface SdkRequestOptions {
  readonly maxRetries: 0;
  readonly timeoutInSeconds: number;
  readonly abortSignal: AbortSignal;
}

interface SdkResponse {
  readonly headers: Headers;
  readonly status: number;
}

function createSdkCaller(maxBytes: number) {
  return async (
    attempt: Attempt,
    call: (options: SdkRequestOptions) => Promise<{ data: unknown; rawResponse: SdkResponse }>,
  ): Promise<WireAnswer> => {
    const seen: GuardedCall = { maxBytes, bytes: 0, refusal: null };
    try {
      const { data, rawResponse } = await guarded(seen, async () =>
        call({
          maxRetries: 0,
          // Must fire after the deadline of the attempt.
          timeoutInSeconds: Math.ceil(attempt.timeoutMs / 1000) + 1,
          abortSignal: attempt.signal,
        }),
      );
      return toAnswer(data, { response: rawResponse, bytes: seen.bytes });
    } catch (error) {
      return seen.refusal ?? toRefusal(error);
    }
  };
}

function toAnswer(
  body: unknown,
  { response, bytes }: { readonly response: SdkResponse; readonly bytes: number },
): WireAnswer {
  if (body === undefined) return { kind: 'not_json', isHtml: false, sample: '', bytes: 0 };
  const notJson = toNotJsonText(body);
  if (notJson !== null) {
    return {
      kind: 'not_json',
      isHtml: looksLikeHtml(notJson),
      sample: toSample(notJson),
      bytes,
    };
  }
  return { kind: 'json', body, bytes, dateMs: toDateMs(response.headers.get('date')) };
}

/** The SDK resolves a body that is no JSON with `{ok: false, error: {reason: 'non-json', rawBody}}`, as if it were data. */
function toNotJsonText(body: unknown): string | null {
  if (body === null || typeof body !== 'object' || !('ok' in body) || body.ok !== false)
    return null;
  const { error } = body as { error?: { reason?: unknown; rawBody?: unknown } };
  return error?.reason === 'non-json' && typeof error.rawBody === 'string' ? error.rawBody : null;
}

function toRefusal(error: unknown): WireAnswer {
  const { statusCode, body, rawResponse } = error as {
    statusCode?: number;
    body?: unknown;
    rawResponse?: SdkResponse;
  };
  if (rawResponse !== undefined) {
    const status = statusCode ?? rawResponse.status;
    // 499 and 0 are the SDK's own numbers for "aborted" and "no answer".
    if (status >= 400 && status !== 499) {
      return {
        kind: 'status',
        status,
        ...toServerMessage(body),
        retryAfter: rawResponse.headers.get('retry-after'),
        rateLimitReset: rawResponse.headers.get('x-ratelimit-reset'),
      };
    }
  }
  return {
    kind: 'no_answer',
    detail: error instanceof Error ? toSample(error.message) : 'no answer',
    cause: error,
  };
}

function toPlainBaseUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  url.username = '';
  url.password = '';
  url.hash = '';
  url.search = '';
  return url.href.replace(/\/+$/, '');
}

function toQueryString(query: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) parameters.append(name, String(one));
    }
  }
  return parameters.toString();
}
