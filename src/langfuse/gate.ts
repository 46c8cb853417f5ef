/**
 * The gate: the one way from this room to Langfuse, and the one place that retries. It gives each attempt a
 * deadline that covers the body, waits as a 429 tells, backs off on faults that pass, counts the traffic, and
 * translates what does not pass into an AppError.
 */
import { boundDepth } from '../shared/bound-depth.ts';
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { SourceTraffic } from '../sync/ports.ts';
import { toBackoffMs, toVerdict, type Verdict } from './retry-policy.ts';
import type { SourceNotice } from './source-settings.ts';
import type { Attempt, WireAnswer } from './wire-answer.ts';

/** Rate limits are counted by Langfuse per organisation and bucket (langfuse/langfuse `RateLimitService.ts`). */
export type Bucket =
  | 'none'
  | 'public-api'
  | 'public-api-legacy'
  | 'public-api-metrics'
  | 'public-api-v2-metrics';

export interface Request {
  /** `GET /api/public/v2/observations`: for messages. */
  readonly name: string;
  readonly bucket: Bucket;
  readonly signal: AbortSignal;
  readonly send: (attempt: Attempt) => Promise<WireAnswer>;
  /** False for a question that a run can do without: a 429 then comes back as `limited`. Default true. */
  readonly waitsForLimit?: boolean;
}

export type Outcome =
  | {
      readonly kind: 'answer';
      readonly body: unknown;
      readonly bytes: number;
      readonly dateMs: number | null;
    }
  | { readonly kind: 'too_large'; readonly reason: string }
  | {
      readonly kind: 'absent';
      readonly status: number;
      readonly reason: string;
      readonly isHtml: boolean;
    }
  | { readonly kind: 'limited'; readonly reason: string };

export interface Gate {
  /** Throws AppError LANGFUSE_AUTH, LANGFUSE_UNEXPECTED, LANGFUSE_UNREACHABLE, LANGFUSE_RATE_LIMITED or CANCELLED. */
  ask(request: Request): Promise<Outcome>;
  /** Counts so far. */
  traffic(): SourceTraffic;
  readonly notice: (notice: SourceNotice) => void;
}

export interface GateSettings {
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly maxWaitMs: number;
  /** So many requests in a row that were only slow, each tried several times, are a server in trouble. */
  readonly maxSlowInARow: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly redact: (text: string) => string;
  readonly onNotice: (notice: SourceNotice) => void;
  readonly onCall?: (status: number | null) => void;
}

const waitWhenNotToldMs = 5000;
const shortestWaitMs = 1000;

export function createGate(settings: GateSettings): Gate {
  const { clock, maxWaitMs } = settings;
  const counts = { requests: 0, retries: 0, rateLimited: 0, bytes: 0, waitedMs: 0 };
  const closedUntilMs = new Map<Bucket, number>();
  let limitWaitMs = 0;
  let slowInARow = 0;

  function toError(
    request: Request,
    fault: { code: AppError['code']; reason: string; cause?: unknown },
  ): AppError {
    const message = `Langfuse at ${settings.baseUrl}: ${request.name} ${fault.reason}`;
    return new AppError(fault.code, settings.redact(message), {
      ...(fault.cause === undefined ? {} : { cause: fault.cause }),
      details: { request: request.name },
    });
  }

  /** Closes a bucket for all its callers; the wait is charged once, however many of them met the 429. */
  function closeBucket(request: Request, verdict: Extract<Verdict, { kind: 'wait' }>): void {
    const nowMs = clock.now();
    const untilMs = nowMs + Math.max(shortestWaitMs, verdict.askedMs ?? waitWhenNotToldMs);
    const alreadyMs = Math.max(nowMs, closedUntilMs.get(request.bucket) ?? nowMs);
    const addedMs = Math.max(0, untilMs - alreadyMs);
    if (limitWaitMs + addedMs > maxWaitMs) {
      throw toError(request, {
        code: 'LANGFUSE_RATE_LIMITED',
        reason: `${verdict.reason}; it asks to wait ${Math.ceil(addedMs / 1000)} s, and this run has waited ${Math.ceil(limitWaitMs / 1000)} s of at most ${Math.floor(maxWaitMs / 1000)} s`,
      });
    }
    limitWaitMs += addedMs;
    counts.waitedMs += addedMs;
    closedUntilMs.set(request.bucket, Math.max(untilMs, alreadyMs));
    settings.onNotice({
      kind: 'rate_limited',
      message: `Langfuse limits the rate; waiting ${Math.ceil((untilMs - nowMs) / 1000)} s`,
      details: { request: request.name, bucket: request.bucket, waitMs: untilMs - nowMs },
    });
  }

  /** A 503 may ask to wait as well: granted while run and request may still wait so long, else 0 (plain backoff). */
  function takeFromBudget(askedMs: number, leftMs: number): number {
    if (askedMs > leftMs || limitWaitMs + askedMs > maxWaitMs) return 0;
    limitWaitMs += askedMs;
    return askedMs;
  }

  /** Resolves with the time that it waited, of which the request had waited `waitedMs` before. */
  async function waitForBucket(request: Request, waitedMs: number): Promise<number> {
    for (let sleptMs = 0; ;) {
      const waitMs = (closedUntilMs.get(request.bucket) ?? 0) - clock.now();
      if (waitMs <= 0) return sleptMs;
      if (waitedMs + sleptMs + waitMs > maxWaitMs) {
        throw toError(request, {
          code: 'LANGFUSE_RATE_LIMITED',
          reason: `would have to wait ${toSeconds(waitMs)} for the rate limit; ${toWaited(waitedMs + sleptMs)}`,
        });
      }
      await sleep(waitMs, request.signal);
      sleptMs += waitMs;
    }
  }

  const toWaited = (waitedMs: number): string =>
    `it has waited ${toSeconds(waitedMs)} of at most ${toSeconds(maxWaitMs)} (SYNC_LANGFUSE_MAX_WAIT)`;

  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      throw toCancelled(signal, error);
    }
  }

  async function attempt(request: Request): Promise<Verdict> {
    counts.requests += 1;
    const { timeoutMs } = settings;
    const { answer, deadlinePassed } = await withDeadline({ request, timeoutMs });
    settings.onCall?.(toStatus(answer));
    if (request.signal.aborted) throw toCancelled(request.signal, request.signal.reason);
    if ('bytes' in answer) counts.bytes += answer.bytes;
    return toVerdict(answer, { deadlinePassed, timeoutMs, nowMs: clock.now() });
  }

  function toSlowOutcome(request: Request, verdict: Extract<Verdict, { kind: 'retry' }>): Outcome {
    slowInARow += 1;
    if (slowInARow > settings.maxSlowInARow) {
      throw toError(request, {
        code: 'LANGFUSE_UNREACHABLE',
        reason: verdict.reason,
        cause: verdict.cause,
      });
    }
    return { kind: 'too_large', reason: verdict.reason };
  }

  async function ask(request: Request): Promise<Outcome> {
    if (request.signal.aborted) throw toCancelled(request.signal, request.signal.reason);
    // Of this request, whatever for: rate limits and faults that pass.
    let waitedMs = 0;
    for (let failures = 0; ;) {
      waitedMs += await waitForBucket(request, waitedMs);
      const verdict = await attempt(request);
      switch (verdict.kind) {
        case 'use':
          slowInARow = 0;
          return {
            kind: 'answer',
            body: boundDepth(verdict.body),
            bytes: verdict.bytes,
            dateMs: verdict.dateMs,
          };
        case 'too_large':
        case 'absent':
          return 'isHtml' in verdict
            ? { ...verdict, reason: settings.redact(verdict.reason) }
            : { kind: 'too_large', reason: settings.redact(verdict.reason) };
        case 'fail':
          throw toError(request, verdict);
        case 'wait':
          counts.rateLimited += 1;
          if (request.waitsForLimit === false)
            return { kind: 'limited', reason: settings.redact(verdict.reason) };
          closeBucket(request, verdict);
          break;
        case 'retry': {
          failures += 1;
          const plainBackoffMs = toBackoffMs(failures, settings.random);
          const isOutOfTime = waitedMs + plainBackoffMs > maxWaitMs;
          if (failures >= verdict.maxAttempts || isOutOfTime) {
            if (verdict.otherwise === 'slow') return toSlowOutcome(request, verdict);
            if (verdict.otherwise === 'too_large')
              return { kind: 'too_large', reason: verdict.reason };
            throw toError(request, {
              code: 'LANGFUSE_UNREACHABLE',
              reason: `${verdict.reason}, ${failures === 1 ? 'once' : `${failures} times`}${isOutOfTime ? `; ${toWaited(waitedMs)}` : ''}`,
              cause: verdict.cause,
            });
          }
          const backoffMs = Math.max(
            plainBackoffMs,
            takeFromBudget(verdict.askedMs ?? 0, maxWaitMs - waitedMs),
          );
          counts.waitedMs += backoffMs;
          waitedMs += backoffMs;
          settings.onNotice({
            kind: 'retrying',
            message: settings.redact(
              `${request.name} ${verdict.reason}; trying again in ${backoffMs} ms`,
            ),
            details: { request: request.name, failures, backoffMs },
          });
          await sleep(backoffMs, request.signal);
          break;
        }
      }
      counts.retries += 1;
    }
  }

  return { ask, traffic: () => ({ ...counts }), notice: settings.onNotice };
}

/** Null where no answer came. A redirect is told as 302, whichever it was. */
function toStatus(answer: WireAnswer): number | null {
  if (answer.kind === 'no_answer') return null;
  if (answer.kind === 'redirect') return 302;
  if (answer.kind === 'too_big') return 200;
  return answer.kind === 'status' ? answer.status : 200;
}

const toSeconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;

/** Sends once; the deadline aborts the attempt wherever it is, headers or body. */
async function withDeadline(sending: {
  readonly request: Request;
  readonly timeoutMs: number;
}): Promise<{ answer: WireAnswer; deadlinePassed: boolean }> {
  const { request, timeoutMs } = sending;
  // A controller of its own: the SDK leaves its listeners on the signal it is given.
  const controller = new AbortController();
  let deadlinePassed = false;
  const onAbort = (): void => controller.abort(request.signal.reason);
  request.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    deadlinePassed = true;
    controller.abort(new Error('deadline'));
  }, timeoutMs);
  try {
    const answer = await request.send({ signal: controller.signal, timeoutMs });
    return { answer, deadlinePassed };
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener('abort', onAbort);
  }
}

function toCancelled(signal: AbortSignal, error: unknown): AppError {
  if (signal.reason instanceof AppError) return signal.reason;
  return new AppError('CANCELLED', 'Reading from Langfuse was stopped', { cause: error });
}
