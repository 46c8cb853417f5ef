/**
 * HTTP to one MLflow server: connections kept alive, a deadline for each attempt that covers the body of
 * the answer, authorisation, counting, and faults translated. What is sent is not known here.
 */
import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { AppError, rewordError } from '../shared/errors.ts';
import { collectBytes } from '../shared/collect-bytes.ts';
import { parseJson } from '../shared/parse-json.ts';
import { toProxyOptions } from '../shared/proxies.ts';
import type { TargetTraffic } from '../sync/ports.ts';
import type { Authoriser, Failure, OutgoingRequest } from './rest-auth.ts';
import { createRequestGate } from './request-gate.ts';
import {
  isOverload,
  toAnswerFault,
  toSystemCode,
  toTransportFault,
  type Answer,
  type CallContext,
  type Fault,
} from './rest-errors.ts';
import { longestAskedWaitMs, withRetries, type Outcome } from './rest-retry.ts';
import {
  defaultConcurrency,
  readTlsOptions,
  toRetryPolicy,
  type RestSettings,
} from './rest-settings.ts';

export interface Call {
  /** What is being done; ends the sentence "Could not …". */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
  /** Beside those of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Counted in `traffic.writes`. */
  readonly isWrite: boolean;
  /** May be repeated when it is not known whether it was carried out. */
  readonly isIdempotent: boolean;
  /** Instead of the settings' deadline. */
  readonly timeoutMs?: number;
  /** The largest answer that is held. Default 256 MiB, some ten times what 1000 runs take. */
  readonly maxBytes?: number;
}

const mostAnswerBytes = 256 * 1024 * 1024;

export interface RestClient extends AsyncDisposable {
  readonly traffic: TargetTraffic;
  /** Counts a write that goes to another server, where the artifacts of a run lie. */
  countWriteElsewhere(): void;
  /** The answer, which is 2xx. Throws AppError MLFLOW_*, SETTINGS_INVALID or CANCELLED. */
  send(call: Call): Promise<Answer>;
  /** Its JSON, validated. Throws MLFLOW_UNEXPECTED when it is not what MLflow answers. */
  sendForJson<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>>;
}

export interface RestClientParts {
  readonly authoriser: Authoriser;
  /** Names the server in messages, without credentials. */
  readonly targetText: string;
  /** Requests begun in a second where the settings name no maximum; absent for no limit. */
  readonly requestsPerSecond?: number;
}

/** Opens a client for one server; all its requests share one budget. */
export async function openRestClient(
  settings: RestSettings,
  parts: RestClientParts,
): Promise<RestClient> {
  // Loaded here, so that a command which needs no MLflow server does not pay for it.
  const undici = await import('undici');
  const concurrency = settings.concurrency ?? defaultConcurrency;
  const tls = await readTlsOptions(settings);
  const options = {
    connect: { ...tls, timeout: Math.min(settings.timeoutMs, 30_000) },
    connections: concurrency,
    // uvicorn and gunicorn close an idle connection after some seconds; one that is about to be closed
    // must not carry a call that can't be repeated.
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
    // The deadline of each attempt is a signal of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const agent =
    settings.proxies === undefined
      ? new undici.Agent(options)
      : new undici.EnvHttpProxyAgent({
          ...options,
          ...toProxyOptions(settings.proxies),
          requestTls: tls,
        });
  return createRestClient(settings, { ...parts, agent, request: undici.request, concurrency });
}

function createRestClient(
  settings: RestSettings,
  parts: RestClientParts & {
    readonly agent: Dispatcher;
    readonly request: (typeof import('undici'))['request'];
    readonly concurrency: number;
  },
): RestClient {
  const { authoriser, agent } = parts;
  const traffic = { requests: 0, writes: 0, retries: 0, slowed: 0 };
  const policy = toRetryPolicy(settings);
  const gate = createRequestGate({
    limits: {
      concurrency: parts.concurrency,
      perSecond: settings.requestsPerSecond ?? parts.requestsPerSecond ?? Infinity,
    },
    clock: settings.clock,
    signal: settings.signal,
    onSlowed({ concurrency, perSecond }) {
      traffic.slowed += 1;
      if (traffic.slowed > 1) return;
      policy.onNotice(
        `MLflow at ${parts.targetText} refuses requests for load: ${concurrency} at once and ${perSecond.toFixed(1)} a second from now on, more again as it takes them. This is said once; the summary counts how often.`,
      );
    },
  });
  let hasAnswered = false;
  const redact = (text: string): string => {
    let clean = text;
    for (const secret of authoriser.secrets) clean = clean.replaceAll(secret, '***');
    return clean;
  };

  /** What came of one attempt, once the budget has let it go. */
  async function pass(call: Call): Promise<{ answer: Answer; fault: Fault | null }> {
    return gate.pass(async (passage) => {
      const answer = await attempt(call);
      if (answer.status >= 200 && answer.status < 300) return { answer, fault: null };
      const context: CallContext = { what: call.what, target: parts.targetText, redact };
      const fault = toAnswerFault(answer, context, settings.clock.now());
      if (isOverload(answer, fault)) {
        const { retryAfterMs } = fault;
        // Nothing waits for a server that wants to be left alone until the next run.
        const isLong = retryAfterMs !== null && retryAfterMs > longestAskedWaitMs;
        passage.refused(isLong ? null : retryAfterMs);
      }
      return { answer, fault };
    });
  }

  async function attempt(call: Call): Promise<Answer> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': 'langfuse-mlflow-sync',
      ...(call.body === undefined
        ? {}
        : { 'content-type': call.contentType ?? 'application/json' }),
      ...(settings.workspace === undefined ? {} : { 'x-mlflow-workspace': settings.workspace }),
      ...call.headers,
    };
    const outgoing: OutgoingRequest = {
      method: call.method,
      url: call.url,
      headers,
      body: call.body ?? null,
    };
    // Waiting for credentials is no part of the answer's time.
    const added = await authoriser.authorise(outgoing);
    const deadline = AbortSignal.timeout(call.timeoutMs ?? settings.timeoutMs);
    const signal = settings.signal ? AbortSignal.any([deadline, settings.signal]) : deadline;
    traffic.requests += 1;
    if (call.isWrite) traffic.writes += 1;
    const sent = parts.request(call.url, {
      dispatcher: agent,
      method: call.method,
      headers: { ...headers, ...added },
      body: call.body ?? null,
      signal,
    });
    sent.catch(() => settings.onCall?.(null));
    const response = await sent;
    settings.onCall?.(response.statusCode);
    const bytes = await collectBytes(response.body, call.maxBytes ?? mostAnswerBytes);
    return {
      status: response.statusCode,
      headers: response.headers,
      bytes,
      // Made when it is asked for: an artifact may be large and is never read as text.
      get text() {
        return bytes.toString('utf8');
      },
    };
  }

  async function tryOnce(call: Call, retry: number): Promise<Outcome<Answer>> {
    settings.signal?.throwIfAborted();
    if (retry > 0) traffic.retries += 1;
    let passed: Awaited<ReturnType<typeof pass>>;
    try {
      passed = await pass(call);
      // A refusal shows that nothing was carried out, so even a call that is not idempotent may be repeated.
      if (passed.answer.status === 403 && authoriser.onRefused !== undefined) {
        authoriser.onRefused(passed.answer);
        passed = await pass(call);
      }
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      settings.signal?.throwIfAborted();
      const fault = toTransportFault(cause, {
        what: call.what,
        target: parts.targetText,
        redact,
      });
      return { fault: explain(fault, { status: null, systemCode: toSystemCode(cause) }) };
    }
    const { answer, fault } = passed;
    if (fault === null) {
      hasAnswered = true;
      return { value: answer };
    }
    if (answer.status !== 403)
      return { fault: explain(fault, { status: answer.status, systemCode: null }) };
    const explained = authoriser.explainRefusal?.(answer, call.url);
    return { fault: explained === undefined ? fault : withExplanation(fault, explained) };
  }

  function explain(fault: Fault, failure: Omit<Failure, 'hasAnswered'>): Fault {
    const explained = authoriser.explainFailure?.({ ...failure, hasAnswered }) ?? null;
    return explained === null ? fault : withExplanation(fault, explained);
  }

  async function send(call: Call): Promise<Answer> {
    try {
      return await withRetries(policy, {
        isIdempotent: call.isIdempotent,
        attempt: (retry) => tryOnce(call, retry),
      });
    } catch (error) {
      if (error instanceof AppError || settings.signal?.aborted !== true) throw error;
      throw new AppError('CANCELLED', `Stopped while trying to ${call.what}.`, { cause: error });
    }
  }

  return {
    traffic,
    countWriteElsewhere() {
      traffic.requests += 1;
      traffic.writes += 1;
    },
    send,
    async sendForJson(call, schema) {
      const answer = await send(call);
      const parsed = schema.safeParse(parseJson(answer.text));
      if (parsed.success) return parsed.data;
      const start = redact(answer.text.replace(/\s+/g, ' ').trim()).slice(0, 200);
      throw new AppError(
        'MLFLOW_UNEXPECTED',
        `Tried to ${call.what} at ${parts.targetText}, and the answer is not MLflow's: ${start === '' ? '(empty)' : start}`,
        { cause: parsed.error, details: { status: answer.status, what: call.what } },
      );
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

function withExplanation(fault: Fault, explained: string): Fault {
  const message = `${fault.error.message.replace(/\.$/, '')}. ${explained}`;
  return { ...fault, error: rewordError(fault.error, { message }) };
}
