/**
 * What went wrong with one call, and whether it may be tried again. Everything an MLflow server, or
 * something in front of it, can answer is translated here, once, in the server's own words.
 */
import { BodyTooLarge } from '../shared/collect-bytes.ts';
import { AppError, type ErrorCode } from '../shared/errors.ts';
import { awsErrorAnswer, errorAnswer } from './wire-schemas.ts';

/**
 * - `never`: the same answer would come again.
 * - `always`: the call surely did not reach the server, or was not carried out.
 * - `idempotent`: it may have been carried out, so only a call that can be repeated is.
 */
export type Retry = 'never' | 'always' | 'idempotent';

export interface Fault {
  readonly error: AppError;
  readonly retry: Retry;
  /** What the server asked for, or null. */
  readonly retryAfterMs: number | null;
  /** Fewer repeats than usual, for answers that are mostly permanent. */
  readonly maxRetries?: number;
}

export interface CallContext {
  /** What was being done, e.g. `create a run`; ends a sentence. */
  readonly what: string;
  /** Where, without credentials. */
  readonly target: string;
  /** Removes secrets from text that comes from outside. */
  readonly redact: (text: string) => string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as UTF-8 text. */
  readonly text: string;
  /** The body as it came. */
  readonly bytes: Uint8Array;
}

/** What the server said in its error; from MLflow's or AWS's JSON, else plain text or the text of HTML. */
export interface ServerWords {
  readonly errorCode: string | null;
  readonly message: string;
}

export function toServerWords(answer: Pick<Answer, 'text'>): ServerWords {
  try {
    const json: unknown = JSON.parse(answer.text);
    const parsed = errorAnswer.safeParse(json);
    if (parsed.success) {
      return { errorCode: parsed.data.error_code, message: parsed.data.message };
    }
    const ofAws = awsErrorAnswer.safeParse(json);
    if (ofAws.success) return { errorCode: null, message: ofAws.data.replace(/\s+/g, ' ').trim() };
  } catch {
    // Not JSON: an HTML page or plain text, below.
  }
  const text = isHtml(answer)
    ? answer.text.replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
    : answer.text;
  return { errorCode: null, message: text.replace(/\s+/g, ' ').trim() };
}

function isHtml(answer: Pick<Answer, 'text'>): boolean {
  return /^\s*<(?:!doctype|html)/i.test(answer.text);
}

// Answered as 500, but the same would come again (mlflow/exceptions.py maps every unknown code to 500).
const permanentCodes = new Set([
  'FEATURE_DISABLED',
  'INVALID_STATE',
  'DATA_LOSS',
  'NOT_IMPLEMENTED',
  'INVALID_PARAMETER_VALUE',
  'RESOURCE_ALREADY_EXISTS',
  'RESOURCE_DOES_NOT_EXIST',
]);

/** The fault in an answer outside of 2xx. */
export function toAnswerFault(
  answer: Omit<Answer, 'bytes'>,
  context: CallContext,
  nowMs: number,
): Fault {
  const { status } = answer;
  const words = toServerWords(answer);
  const retryAfterMs = toRetryAfterMs(answer.headers['retry-after'], nowMs);
  // Cut after it was redacted: AWS repeats a signed request whole, and a part of a token is one too.
  const said = context.redact(words.message).slice(0, 1000) || 'no explanation';
  const label = words.errorCode === null ? `HTTP ${status}` : `HTTP ${status} ${words.errorCode}`;
  const fault = (code: ErrorCode, retry: Retry, text: string, maxRetries?: number): Fault => ({
    error: new AppError(code, text, {
      details: { status, errorCode: words.errorCode, target: context.target, what: context.what },
    }),
    retry,
    retryAfterMs,
    ...(maxRetries === undefined ? {} : { maxRetries }),
  });
  const sentence = `Could not ${context.what} at ${context.target} (${label}): ${said}`;

  if (status === 403 && /invalid host header|cross-origin request blocked/i.test(words.message)) {
    return fault(
      'MLFLOW_REJECTED',
      'never',
      `${sentence}. The server does not know the name it was called by: start it with --allowed-hosts (or MLFLOW_SERVER_ALLOWED_HOSTS) naming the host and port of MLFLOW_TRACKING_URI.`,
    );
  }
  if (status === 401 || status === 403) return fault('MLFLOW_AUTH', 'never', sentence);
  if (/--(?:no-)?serve-artifacts|artifact serving is not configured/i.test(words.message)) {
    return fault('MLFLOW_ARTIFACTS_UNSUPPORTED', 'never', sentence);
  }
  if (status >= 300 && status < 400) {
    return fault(
      'MLFLOW_UNEXPECTED',
      'never',
      `Could not ${context.what}: ${context.target} sends callers elsewhere (HTTP ${status}${toRedirectPlace(answer)}). Set MLFLOW_TRACKING_URI to the final address.`,
    );
  }
  if (isThrottled(answer)) return fault('MLFLOW_UNREACHABLE', 'always', sentence);
  if (status === 408) return fault('MLFLOW_UNREACHABLE', 'idempotent', sentence);
  if (status === 501 || (words.errorCode !== null && permanentCodes.has(words.errorCode))) {
    return fault('MLFLOW_REJECTED', 'never', sentence);
  }
  // A 500 may be permanent (a text the database refuses, a fault of the server), so it is not repeated for long.
  if (status === 500) return fault('MLFLOW_REJECTED', 'idempotent', sentence, 2);
  if (status > 500) return fault('MLFLOW_UNREACHABLE', 'idempotent', sentence);
  if ((status === 404 || status === 405) && words.errorCode === null) {
    return fault(
      'MLFLOW_UNEXPECTED',
      'never',
      `${sentence}. This does not look like an MLflow tracking server; check MLFLOW_TRACKING_URI.`,
    );
  }
  return fault('MLFLOW_REJECTED', 'never', sentence);
}

/** AWS may say so with another status than 429. */
function isThrottled({ status, headers }: Pick<Answer, 'status' | 'headers'>): boolean {
  const errorType = headers['x-amzn-errortype'];
  return (
    status === 429 ||
    (status === 400 &&
      typeof errorType === 'string' &&
      /^(?:Throttl|TooManyRequests)/.test(errorType))
  );
}

/** Whether an answer refuses for load, so that fewer requests would be taken. */
export function isOverload(answer: Pick<Answer, 'status' | 'headers'>, fault: Fault): boolean {
  return isThrottled(answer) || (answer.status === 503 && fault.retry !== 'never');
}

function toRedirectPlace(answer: Pick<Answer, 'headers'>): string {
  const location = answer.headers.location;
  if (typeof location !== 'string') return '';
  // Host and path alone: a query may hold a login state or a signature.
  const place = /^(?:https?:\/\/[^/?#@]+)?[^?#]*/.exec(location)?.[0] ?? '';
  return place === '' || place.includes('@') ? '' : ` to ${place.slice(0, 200)}`;
}

/** `Retry-After` in milliseconds: seconds or an HTTP date. */
export function toRetryAfterMs(
  header: string | string[] | undefined,
  nowMs: number,
): number | null {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return null;
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(text)) return Math.ceil(Number(text) * 1000);
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}

const notConnectedCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const certificateCodes =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO)/;

/** The fault in a call that brought no answer. */
export function toTransportFault(cause: unknown, context: CallContext): Fault {
  const code = toSystemCode(cause);
  const name = cause instanceof Error ? cause.name : '';
  const details = { target: context.target, what: context.what, cause: code ?? name };
  const place = `Could not ${context.what} at ${context.target}`;
  if (code !== null && certificateCodes.test(code)) {
    return {
      error: new AppError(
        'SETTINGS_INVALID',
        `${place}: TLS failed (${code}). If the server has its own certificate authority, name its file with MLFLOW_TRACKING_SERVER_CERT_PATH; if it speaks plain http, say so in MLFLOW_TRACKING_URI.`,
        { cause, details },
      ),
      retry: 'never',
      retryAfterMs: null,
    };
  }
  if (cause instanceof BodyTooLarge) {
    return {
      error: new AppError(
        'MLFLOW_UNEXPECTED',
        `${place}: the answer is larger than ${cause.maxBytes} bytes, which no answer of MLflow to this is; the rest was not read. Check MLFLOW_TRACKING_URI.`,
        { cause, details },
      ),
      retry: 'never',
      retryAfterMs: null,
    };
  }
  // A request that can't even be formed, or a target that has been closed: the same would come again.
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    const message = cause instanceof Error ? context.redact(cause.message) : code;
    return {
      error: new AppError('INTERNAL', `${place}: ${message}.`, { cause, details }),
      retry: 'never',
      retryAfterMs: null,
    };
  }
  const reason =
    name === 'TimeoutError'
      ? 'no answer in time'
      : (code ?? (cause instanceof Error ? cause.message : 'no answer'));
  return {
    error: new AppError('MLFLOW_UNREACHABLE', `${place}: ${context.redact(reason)}.`, {
      cause,
      details,
    }),
    retry: code !== null && notConnectedCodes.has(code) ? 'always' : 'idempotent',
    retryAfterMs: null,
  };
}

/** Such as `ENOTFOUND`, of an error or what caused it; null where there is none. */
export function toSystemCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? toSystemCode(error.cause) : null;
}
