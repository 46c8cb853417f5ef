import { describe, expect, it } from 'vitest';
import { probeSource } from '../../src/langfuse/probe.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { manyRows, readAll, sampleTraffic, startProject } from './project.ts';

const v2Path = '/api/public/v2/observations';

describe('429', () => {
  it('waits the whole Retry-After, once for all slices that meet it', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(50)) },
      { concurrency: 4, clock: systemClock },
    );
    const source = await project.open();
    project.server.setFaults([
      { kind: 'rate_limited', retryAfterSeconds: 2, path: v2Path, times: 4 },
    ]);
    const { observations } = await readAll(source);
    expect(new Set(observations.map((row) => row.traceId)).size).toBe(50);
    expect(source.traffic.rateLimited).toBe(4);
    expect(source.traffic.retries).toBe(4);
    expect(source.traffic.waitedMs).toBeGreaterThanOrEqual(2000);
    expect(source.traffic.waitedMs).toBeLessThan(3000);
    expect(project.notices[0]).toMatchObject({ kind: 'rate_limited', details: { waitMs: 2000 } });
  });

  it.each(['json', 'text'] as const)(
    'understands the %s body and the date in X-RateLimit-Reset',
    async (format) => {
      await using project = await startProject();
      const source = await project.open();
      project.server.setFaults([
        { kind: 'rate_limited', retryAfterSeconds: null, format, path: v2Path, times: 1 },
      ]);
      expect((await readAll(source)).observations).toHaveLength(2);
      expect(project.clock.sleptMs.length).toBeGreaterThan(0);
    },
  );

  it('gives up when the answers together ask for more than a run may wait', async () => {
    await using project = await startProject({}, { maxWaitMs: 100_000 });
    const source = await project.open();
    project.server.setFaults([{ kind: 'rate_limited', retryAfterSeconds: 60, path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_RATE_LIMITED',
      exitCode: 75,
      message: expect.stringMatching(
        /asks to wait 60 s, and this run has waited 60 s of at most 100 s/,
      ) as string,
    });
  });

  it('keeps a limit to its bucket: legacy is closed, v2 is not', async () => {
    await using project = await startProject({ mode: 'dual' });
    const source = await project.open({ reader: 'legacy' });
    project.server.setFaults([
      { kind: 'rate_limited', retryAfterSeconds: 50, path: '/api/public/traces', times: 1 },
    ]);
    await readAll(source);
    const sleptForLegacy = project.clock.sleptMs.length;
    expect(sleptForLegacy).toBeGreaterThan(0);
    for await (const _ of source.readScores(
      { fromMs: 0 as never, toMs: 1 as never },
      { signal: new AbortController().signal },
    )) {
      // No scores there; only the request counts.
    }
    expect(project.clock.sleptMs).toHaveLength(sleptForLegacy);
  });

  it('reads on through the limits of Cloud, in the time they take', async () => {
    await using project = await startProject(
      {
        mode: 'cloud',
        traffic: sampleTraffic(manyRows(30)),
        rateLimits: { 'public-api': { points: 8, windowMs: 300 } },
      },
      { clock: systemClock, pageSize: 5, concurrency: 3 },
    );
    const source = await project.open();
    const { observations } = await readAll(source);
    expect(new Set(observations.map((row) => row.traceId)).size).toBe(30);
    expect(source.traffic.rateLimited).toBeGreaterThan(0);
  });
});

describe('faults that pass', () => {
  it.each([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 502, format: 'html' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 504, format: 'html' },
    { kind: 'reset', at: 'before_headers' },
    { kind: 'reset', at: 'mid_body' },
    { kind: 'truncated_json' },
  ] as const)('$kind $status $at is tried again after a backoff', async (fault) => {
    await using project = await startProject();
    const source = await project.open();
    project.server.setFaults([{ ...fault, path: v2Path, times: 2 }]);
    const { observations } = await readAll(source);
    expect(observations).toHaveLength(2);
    expect(source.traffic.retries).toBe(2);
    expect(project.clock.sleptMs).toHaveLength(2);
    expect(project.notices.every((notice) => notice.kind === 'retrying')).toBe(true);
  });

  it('backs off longer each time and then is LANGFUSE_UNREACHABLE', async () => {
    await using project = await startProject({}, { concurrency: 1 });
    const source = await project.open();
    project.server.setFaults([{ kind: 'status', status: 503, path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNREACHABLE',
      retryable: true,
      message: expect.stringMatching(
        /v2\/observations answered 503: Service Unavailable, 6 times/,
      ) as string,
    });
    expect(project.clock.sleptMs).toEqual([375, 750, 1500, 3000, 6000]);
  });

  it('waits for no longer in all than it may, whatever for', async () => {
    const maxWaitMs = 2000;
    await using project = await startProject({}, { concurrency: 1, maxWaitMs });
    const source = await project.open();
    project.server.setFaults([
      { kind: 'rate_limited', retryAfterSeconds: 1, path: v2Path, times: 1 },
      { kind: 'status', status: 503, headers: { 'Retry-After': '1' }, path: v2Path, skip: 1 },
    ]);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNREACHABLE',
      exitCode: 75,
      message: expect.stringMatching(
        /503: Service Unavailable, 2 times; it has waited 2 s of at most 2 s \(SYNC_LANGFUSE_MAX_WAIT\)/,
      ) as string,
    });
    expect(project.clock.sleptMs.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(maxWaitMs);
  });

  it('does not wait at all where nothing may be waited', async () => {
    await using project = await startProject({}, { concurrency: 1, maxWaitMs: 0 });
    const source = await project.open();
    project.server.setFaults([{ kind: 'reset', at: 'before_headers', path: v2Path, times: 1 }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNREACHABLE' });
    expect(project.clock.sleptMs).toEqual([]);
  });

  it('a reset that stays is LANGFUSE_UNREACHABLE, with its cause', async () => {
    await using project = await startProject({}, { concurrency: 1 });
    const source = await project.open();
    project.server.setFaults([{ kind: 'reset', at: 'before_headers', path: v2Path }]);
    const failure: unknown = await readAll(source).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'LANGFUSE_UNREACHABLE' });
    expect((failure as Error).cause).toBeInstanceOf(Error);
  });
});

describe('the deadline', () => {
  it.each(['before_headers', 'mid_body'] as const)(
    'ends an answer that stalls %s, and the request is sent again',
    async (at) => {
      await using project = await startProject();
      const source = await project.open({ timeoutMs: 150 });
      project.server.setFaults([{ kind: 'stall', at, path: v2Path, times: 1 }]);
      const { observations } = await readAll(source);
      expect(observations).toHaveLength(2);
      expect(project.notices[0]?.message).toMatch(/did not answer within 150 ms/);
    },
  );

  it('pages that are only slow shrink; a server that never answers is LANGFUSE_UNREACHABLE before long', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(40, { stepMs: 1000 })) },
      { pageSize: 32, concurrency: 1 },
    );
    const source = await project.open({ timeoutMs: 100 });
    const isLarge = (limit: string | null): boolean => Number(limit) > 16;
    project.server.setFaults([
      {
        kind: 'delay',
        delayMs: 400,
        path: v2Path,
        when: ({ query }) => isLarge(query.get('limit')),
      },
    ]);
    const { observations } = await readAll(source);
    expect(new Set(observations.map((row) => row.traceId)).size).toBe(40);

    project.server.clearRequests();
    project.server.setFaults([{ kind: 'stall', at: 'before_headers', path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNREACHABLE' });
    expect(project.server.requests.length).toBeLessThanOrEqual(20);
  });
});

describe('what is no answer of Langfuse', () => {
  it.each([
    { fault: { kind: 'login_page' }, says: /200 with an HTML page/ },
    {
      fault: { kind: 'status', status: 400, message: 'Invalid cursor format' },
      says: /answered 400: Invalid cursor format/,
    },
    { fault: { kind: 'status', status: 405 }, says: /answered 405/ },
  ] as const)('$fault.kind in mid-run ends it', async ({ fault, says }) => {
    await using project = await startProject({}, { concurrency: 1 });
    const source = await project.open();
    project.server.setFaults([{ ...fault, path: v2Path }]);
    const failure: unknown = await readAll(source).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(says) as string,
    });
  });

  it('a redirect to a login page of the same host is an HTML page', async () => {
    await using project = await startProject({}, { concurrency: 1 });
    const source = await project.open();
    project.server.setFaults([{ kind: 'redirect', path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });

  it.each([401, 403])('%i with a page is a proxy, not Langfuse', async (status) => {
    await using project = await startProject({
      faults: [{ kind: 'status', status, format: 'html', path: '/api/public/projects' }],
    });
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/proxy or firewall/) as string,
    });
  });

  it('keys revoked in mid-run are LANGFUSE_AUTH', async () => {
    await using project = await startProject();
    const source = await project.open();
    project.server.setFaults([{ kind: 'status', status: 401, path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_AUTH', exitCode: 2 });
  });
});

describe('traffic', () => {
  it('counts requests as the server does, and bytes', async () => {
    await using project = await startProject();
    const source = await project.open();
    await readAll(source);
    expect(source.traffic.requests).toBe(project.server.requests.length);
    expect(source.traffic.bytes).toBeGreaterThan(1000);
    expect(source.traffic).toMatchObject({ retries: 0, rateLimited: 0, waitedMs: 0 });
  });

  it('health is asked without keys, everything else with them', async () => {
    const seen = new Map<string, boolean>();
    await using project = await startProject({
      faults: [
        {
          kind: 'delay',
          delayMs: 0,
          when: (request) => {
            seen.set(request.path, 'x-langfuse-public-key' in request.headers);
            return false;
          },
        },
      ],
    });
    await probeSource(project.settings);
    expect(seen.get('/api/public/health')).toBe(false);
    expect(seen.get('/api/public/projects')).toBe(true);
  });
});
