/**
 * What one answer of Langfuse means for the request that got it. Pure: the gate acts on the verdict.
 *
 * Rules (langfuse/langfuse `withMiddlewares.ts`, `RateLimitService.ts`; langfuse/langfuse#7898, #10592, #17487):
 * 422 (≥ 3.152), 524 (≥ 3.113) and 500 "Timeout error" (older) are ClickHouse giving up on a query that is too
 * heavy: ask for less, never again for the same. 404, 410 and 501 say that a server's mode, age or plan lacks the
 * endpoint. 429 tells how long to wait. Other 5xx and network faults pass.
 */
import type { ErrorCode } from '../shared/errors.ts';
import type { WireAnswer } from './wire-answer.ts';

export type Verdict =
  | {
      readonly kind: 'use';
      readonly body: unknown;
      readonly bytes: number;
      readonly dateMs: number | null;
    }
  /** `askedMs`: as told, null where the answer does not tell. */
  | { readonly kind: 'wait'; readonly askedMs: number | null; readonly reason: string }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly askedMs: number | null;
      readonly maxAttempts: number;
      /** What it is when it does not pass. `slow` may be a page too large or a server in trouble. */
      readonly otherwise: 'unreachable' | 'too_large' | 'slow';
      readonly cause?: unknown;
    }
  | { readonly kind: 'too_large'; readonly reason: string }
  | {
      readonly kind: 'absent';
      readonly status: number;
      readonly reason: string;
      readonly isHtml: boolean;
    }
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly reason: string };

const maxAttempts = 6;
const maxAttemptsOfALargeAnswer = 3;

/** Judges one answer. `deadlinePassed`: the gate itself ended the attempt. */
export function toVerdict(
  answer: WireAnswer,
  attempt: { readonly deadlinePassed: boolean; readonly timeoutMs: number; readonly nowMs: number },
): Verdict {
  switch (answer.kind) {
    case 'json':
      return { kind: 'use', body: answer.body, bytes: answer.bytes, dateMs: answer.dateMs };
    case 'redirect':
      return {
        kind: 'fail',
        code: 'LANGFUSE_UNEXPECTED',
        reason: `was redirected to ${answer.to}, which is refused; if that is the right server, set LANGFUSE_BASE_URL to it`,
      };
    case 'too_big':
      return {
        kind: 'too_large',
        reason: `answered more than ${answer.maxBytes} bytes (SYNC_LANGFUSE_MAX_ANSWER_BYTES)`,
      };
    case 'not_json':
      if (answer.isHtml) {
        return {
          kind: 'fail',
          code: 'LANGFUSE_UNEXPECTED',
          reason: 'answered 200 with an HTML page (a login page or a proxy answers there)',
        };
      }
      return {
        kind: 'retry',
        reason:
          answer.bytes === 0
            ? 'answered 200 with an empty body'
            : 'answered JSON that ends too early',
        askedMs: null,
        maxAttempts: maxAttemptsOfALargeAnswer,
        otherwise: 'too_large',
      };
    case 'no_answer':
      return attempt.deadlinePassed
        ? {
            kind: 'retry',
            reason: `did not answer within ${attempt.timeoutMs} ms`,
            askedMs: null,
            maxAttempts: maxAttemptsOfALargeAnswer,
            otherwise: 'slow',
            cause: answer.cause,
          }
        : {
            kind: 'retry',
            reason: `could not be reached (${answer.detail})`,
            askedMs: null,
            maxAttempts,
            otherwise: 'unreachable',
            cause: answer.cause,
          };
    case 'status':
      return toStatusVerdict(answer, attempt.nowMs);
  }
}

function toStatusVerdict(answer: Extract<WireAnswer, { kind: 'status' }>, nowMs: number): Verdict {
  const { status } = answer;
  const reason =
    answer.message === '' ? `answered ${status}` : `answered ${status}: ${answer.message}`;
  if (status === 429) return { kind: 'wait', askedMs: toAskedMs(answer, nowMs), reason };
  if (answer.isHtml && (status === 401 || status === 403)) {
    return {
      kind: 'fail',
      code: 'LANGFUSE_UNEXPECTED',
      reason: `${reason} (Langfuse answers in JSON: a proxy or firewall in front of it refuses)`,
    };
  }
  if (status === 401) return { kind: 'fail', code: 'LANGFUSE_AUTH', reason };
  if (status === 403) {
    return {
      kind: 'fail',
      code: 'LANGFUSE_AUTH',
      reason: `${reason} (an organisation key can't read a project; use the key pair of the project)`,
    };
  }
  if (status === 404 || status === 410 || status === 501) {
    return { kind: 'absent', status, reason, isHtml: answer.isHtml };
  }
  const isQueryTimeout =
    status === 500 && /timeout error|timed out|payload is too large/i.test(answer.message);
  if (status === 422 || status === 524 || status === 413 || isQueryTimeout)
    return { kind: 'too_large', reason };
  if (status === 408 || status === 425 || status >= 500) {
    const isSlow = status === 504 || status === 408;
    return {
      kind: 'retry',
      reason,
      askedMs: toAskedMs(answer, nowMs),
      maxAttempts: isSlow ? maxAttemptsOfALargeAnswer : maxAttempts,
      otherwise: isSlow ? 'slow' : 'unreachable',
    };
  }
  return { kind: 'fail', code: 'LANGFUSE_UNEXPECTED', reason };
}

/**
 * The wait an answer asks for, in milliseconds: `Retry-After` (seconds or a date), else `X-RateLimit-Reset`, which
 * Langfuse sends as the text of a JavaScript date. Null where neither can be read.
 */
export function toAskedMs(
  answer: { readonly retryAfter: string | null; readonly rateLimitReset: string | null },
  nowMs: number,
): number | null {
  const { retryAfter, rateLimitReset } = answer;
  if (retryAfter !== null && /^\s*\d+(\.\d+)?\s*$/.test(retryAfter))
    return Math.ceil(Number(retryAfter) * 1000);
  for (const text of [retryAfter, rateLimitReset]) {
    const atMs = text === null ? Number.NaN : Date.parse(text);
    if (!Number.isNaN(atMs)) return Math.max(0, atMs - nowMs);
  }
  return null;
}

const firstBackoffMs = 500;
const longestBackoffMs = 30_000;

/** Doubling backoff, half of it jitter. `failures` ≥ 1; `random` gives 0 ≤ x < 1. */
export function toBackoffMs(failures: number, random: () => number): number {
  const fullMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1));
  return Math.round(fullMs * (0.5 + random() / 2));
}
