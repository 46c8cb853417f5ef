/** Langfuse Cloud's fixed windows per organisation and bucket (langfuse RateLimitService.ts). */
import type { HttpAnswer } from './http-answer.ts';

export type RateBucket =
  | 'public-api'
  | 'public-api-legacy'
  | 'public-api-metrics'
  | 'public-api-v2-metrics'
  | 'public-api-daily-metrics-legacy';

export interface RateLimit {
  readonly points: number;
  readonly windowMs: number;
}

export type RateLimits = Partial<Record<RateBucket, RateLimit>>;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Points as in Langfuse's code; a plan's name may be given in place of limits. */
export const planLimits = {
  hobby: {
    'public-api': { points: 30, windowMs: minuteMs },
    'public-api-legacy': { points: 15, windowMs: minuteMs },
    'public-api-metrics': { points: 100, windowMs: dayMs },
    'public-api-v2-metrics': { points: 100, windowMs: dayMs },
    'public-api-daily-metrics-legacy': { points: 10, windowMs: dayMs },
  },
  core: {
    'public-api': { points: 100, windowMs: minuteMs },
    'public-api-legacy': { points: 30, windowMs: minuteMs },
    'public-api-metrics': { points: 2000, windowMs: dayMs },
    'public-api-v2-metrics': { points: 100, windowMs: hourMs },
    'public-api-daily-metrics-legacy': { points: 200, windowMs: dayMs },
  },
  pro: {
    'public-api': { points: 1000, windowMs: minuteMs },
    'public-api-legacy': { points: 100, windowMs: minuteMs },
    'public-api-metrics': { points: 2000, windowMs: dayMs },
    'public-api-v2-metrics': { points: 500, windowMs: hourMs },
    'public-api-daily-metrics-legacy': { points: 200, windowMs: dayMs },
  },
} as const satisfies Record<string, RateLimits>;

export interface RateLimiter {
  /** Takes one point; the 429 when the window is used up, else null. */
  take(bucket: RateBucket, nowMs: number): HttpAnswer | null;
}

/** `body` is the generation of the 429: JSON from 3.170, text before. */
export function createRateLimiter(limits: RateLimits, body: 'json' | 'text'): RateLimiter {
  const windows = new Map<RateBucket, { endMs: number; left: number }>();
  return {
    take(bucket, nowMs) {
      const limit = limits[bucket];
      if (!limit) return null;
      let window = windows.get(bucket);
      if (!window || nowMs >= window.endMs) {
        window = { endMs: nowMs + limit.windowMs, left: limit.points };
        windows.set(bucket, window);
      }
      window.left = Math.max(0, window.left - 1);
      // Limited when nothing is left after taking: the last point of a window is never served.
      if (window.left >= 1) return null;
      return tooManyRequests({
        retryAfterSeconds: Math.ceil((window.endMs - nowMs) / 1000),
        limit: limit.points,
        remaining: window.left,
        resetMs: window.endMs,
        body,
      });
    },
  };
}

/** The 429 of either body generation. `retryAfterSeconds: null` leaves the header out, as a proxy in front may. */
export function tooManyRequests(limited: {
  readonly retryAfterSeconds: number | null;
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
  readonly body: 'json' | 'text';
}): HttpAnswer {
  const headers = {
    ...(limited.retryAfterSeconds === null
      ? {}
      : { 'Retry-After': String(limited.retryAfterSeconds) }),
    'X-RateLimit-Limit': String(limited.limit),
    'X-RateLimit-Remaining': String(limited.remaining),
    // A JavaScript date text, not an epoch: that is what Langfuse sends.
    'X-RateLimit-Reset': new Date(limited.resetMs).toString(),
  };
  if (limited.body === 'text') return { status: 429, headers, text: '429 - rate limit exceeded' };
  return {
    status: 429,
    headers,
    body: {
      message: 'Rate limit exceeded',
      code: 'rate_limited',
      details: {
        retryAfterSeconds: limited.retryAfterSeconds,
        limit: limited.limit,
        remaining: limited.remaining,
        resetAt: new Date(limited.resetMs).toISOString(),
      },
    },
  };
}
