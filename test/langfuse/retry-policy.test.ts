import { describe, expect, it } from 'vitest';
import { toAskedMs, toBackoffMs, toVerdict } from '../../src/langfuse/retry-policy.ts';

const attempt = { deadlinePassed: false, timeoutMs: 1000, nowMs: Date.UTC(2026, 10, 20) };

function verdictOf(status: number, message = '') {
  return toVerdict(
    { kind: 'status', status, message, isHtml: false, retryAfter: null, rateLimitReset: null },
    attempt,
  );
}

describe('toVerdict', () => {
  it.each([
    [401, '', 'fail'],
    [403, '', 'fail'],
    [400, '', 'fail'],
    [404, '', 'absent'],
    [410, '', 'absent'],
    [501, '', 'absent'],
    [429, '', 'wait'],
    [422, '', 'too_large'],
    [413, '', 'too_large'],
    [524, '', 'too_large'],
    [500, 'Timeout error', 'too_large'],
    [500, 'Internal Server Error', 'retry'],
    [502, '', 'retry'],
    [503, '', 'retry'],
    [504, '', 'retry'],
    [599, '', 'retry'],
  ] as const)('%i %s is %s', (status, message, kind) => {
    expect(verdictOf(status, message).kind).toBe(kind);
  });

  it('HTML with 200 is an error at once, JSON that ends early is tried again', () => {
    const page = { kind: 'not_json', isHtml: true, sample: '<html>', bytes: 6 } as const;
    expect(toVerdict(page, attempt)).toMatchObject({ kind: 'fail', code: 'LANGFUSE_UNEXPECTED' });
    const cut = { kind: 'not_json', isHtml: false, sample: '{"data":[', bytes: 9 } as const;
    expect(toVerdict(cut, attempt)).toMatchObject({ kind: 'retry', otherwise: 'too_large' });
    const empty = { kind: 'not_json', isHtml: false, sample: '', bytes: 0 } as const;
    expect(toVerdict(empty, attempt)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/empty body/) as string,
    });
  });
});

describe('toAskedMs', () => {
  const { nowMs } = attempt;
  it.each([
    ['30', null, 30_000],
    ['0.5', null, 500],
    [new Date(nowMs + 90_000).toUTCString(), null, 90_000],
    [new Date(nowMs - 90_000).toUTCString(), null, 0],
    [null, String(new Date(nowMs + 45_000)), 45_000],
    ['soon', String(new Date(nowMs + 45_000)), 45_000],
    [null, null, null],
  ])('Retry-After %s, X-RateLimit-Reset %s: %s', (retryAfter, rateLimitReset, askedMs) => {
    expect(toAskedMs({ retryAfter, rateLimitReset }, nowMs)).toBe(askedMs);
  });
});

it('toBackoffMs doubles up to half a minute, half of it jitter', () => {
  expect([1, 2, 3, 4].map((failures) => toBackoffMs(failures, () => 0))).toEqual([
    250, 500, 1000, 2000,
  ]);
  expect(toBackoffMs(1, () => 0.999)).toBe(500);
  expect(toBackoffMs(20, () => 0.999)).toBeLessThanOrEqual(30_000);
});
