/** Langfuse Cloud's windows: which bucket, which headers, which body, and when they end. */
import { describe, expect, it } from 'vitest';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { toInstant, type InstantMs } from '../../src/shared/time.ts';
import { ask, aTraffic } from './client.ts';

const startMs = Date.UTC(2026, 10, 2, 9);

function createSetClock(): Clock & { nowMs: number } {
  return {
    nowMs: startMs,
    now(): InstantMs {
      return toInstant(this.nowMs);
    },
    sleep: () => Promise.resolve(),
  };
}

const v2 = '/v2/observations';

describe('rate limits', () => {
  it('the last point of a window is not served; Retry-After counts to its end', async () => {
    const clock = createSetClock();
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'cloud',
      clock,
      rateLimits: { 'public-api': { points: 4, windowMs: 60_000 } },
    });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask(server, v2)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    clock.nowMs += 20_500;
    const limited = await ask(server, v2);
    expect(limited.headers.get('retry-after')).toBe('40');
    expect(limited.headers.get('x-ratelimit-limit')).toBe('4');
    expect(limited.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(limited.headers.get('x-ratelimit-reset')).toBe(new Date(startMs + 60_000).toString());
    expect(limited.body).toEqual({
      message: 'Rate limit exceeded',
      code: 'rate_limited',
      details: {
        retryAfterSeconds: 40,
        limit: 4,
        remaining: 0,
        resetAt: '2026-11-02T09:01:00.000Z',
      },
    });
    clock.nowMs = startMs + 60_000;
    const again = await ask(server, v2);
    expect(again.status).toBe(200);
    expect(again.headers.get('x-ratelimit-limit')).toBeNull();
  });

  it('before 3.170 the body is text', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'v3-legacy',
      version: '3.160.0',
      rateLimits: { 'public-api-legacy': { points: 1, windowMs: 60_000 } },
    });
    const limited = await ask(server, '/traces');
    expect([limited.status, limited.text]).toEqual([429, '429 - rate limit exceeded']);
  });

  it('buckets are apart, shared by the projects of an organisation, and spare /projects', async () => {
    const other = { publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' };
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'cloud',
      otherProjects: [{ keys: other, traffic: aTraffic({ project: { id: 'p2', name: 'Two' } }) }],
      rateLimits: {
        'public-api': { points: 2, windowMs: 60_000 },
        'public-api-legacy': { points: 9, windowMs: 60_000 },
      },
    });
    expect((await ask(server, v2)).status).toBe(200);
    expect((await ask(server, v2, { keys: other })).status).toBe(429);
    expect((await ask(server, '/v3/scores')).status).toBe(429);
    expect((await ask(server, '/traces')).status).toBe(200);
    expect((await ask(server, '/projects')).status).toBe(200);
    expect((await ask(server, '/health')).status).toBe(200);
  });

  it('knows the plans of Cloud by name', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'cloud',
      rateLimits: 'hobby',
    });
    let served = 0;
    while ((await ask(server, '/traces')).status === 200) served++;
    expect(served).toBe(14);
  });

  it('can show a clock that is ahead', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      clock: createSetClock(),
      dateSkewMs: 90_000,
    });
    expect((await ask(server, v2)).headers.get('date')).toBe('Mon, 02 Nov 2026 09:01:30 GMT');
  });
});
