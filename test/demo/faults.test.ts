/** Each fault that the sample server can be told to make, as a client meets it. */
import { describe, expect, it } from 'vitest';
import type { SampleFault } from '../../src/demo/faults.ts';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { aScore, ask, askAll, aTraffic, manyObservations } from './client.ts';

const v2 = '/v2/observations';
const v2Path = `/api/public${v2}`;

async function withFaults<T>(
  faults: readonly SampleFault[],
  run: (server: SampleServer) => Promise<T>,
): Promise<T> {
  await using server = await startSampleServer({
    traffic: aTraffic({ observations: manyObservations(10) }),
    mode: 'events_only',
    faults,
  });
  return await run(server);
}

const statusOf = async (server: SampleServer, path = v2): Promise<number> =>
  (await ask(server, path)).status;

describe('which requests a fault meets', () => {
  it('by path, after some, for a number of times', async () => {
    const found = await withFaults(
      [{ kind: 'status', status: 503, path: v2Path, skip: 1, times: 2 }],
      async (server) => [
        await statusOf(server),
        await statusOf(server, '/projects'),
        await statusOf(server),
        await statusOf(server),
        await statusOf(server),
      ],
    );
    expect(found).toEqual([200, 200, 503, 503, 200]);
  });

  it('by prefix, by pattern, by a condition, always', async () => {
    const statuses = async (fault: SampleFault): Promise<number[]> =>
      await withFaults([fault], async (server) => [
        await statusOf(server),
        await statusOf(server, '/v3/scores'),
        await statusOf(server, '/projects'),
      ]);
    const base = { kind: 'status', status: 500 } as const;
    expect(await statuses({ ...base, path: '/api/public/v*' })).toEqual([500, 500, 200]);
    expect(await statuses({ ...base, path: /projects$/ })).toEqual([200, 200, 500]);
    expect(await statuses({ ...base, when: ({ path }) => path.endsWith('s') })).toEqual([
      500, 500, 500,
    ]);
    expect(await statuses(base)).toEqual([500, 500, 500]);
  });

  it('counts start again with setFaults, and requests are remembered with their status', async () => {
    await withFaults([{ kind: 'status', status: 500, times: 1 }], async (server) => {
      await statusOf(server);
      server.setFaults([{ kind: 'status', status: 502, times: 1 }]);
      await ask(server, v2, { query: { limit: '7' } });
      await statusOf(server);
      expect(server.requests.map((request) => request.status)).toEqual([500, 502, 200]);
      expect(server.requests[1]?.query.get('limit')).toBe('7');
      expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
      server.clearRequests();
      expect(server.requests).toEqual([]);
    });
  });
});

describe('answers', () => {
  it.each([401, 403, 410, 500, 502, 503, 504])('%i in JSON', async (status) => {
    const answer = await withFaults([{ kind: 'status', status }], (server) => ask(server, v2));
    expect(answer.status).toBe(status);
    expect(answer.body['message']).toBeTypeOf('string');
  });

  it('a proxy’s 502 in HTML, with headers of its own', async () => {
    const answer = await withFaults(
      [{ kind: 'status', status: 502, format: 'html', headers: { 'Retry-After': '3' } }],
      (server) => ask(server, v2),
    );
    expect(answer.text).toContain('<h1>502 Bad Gateway</h1>');
    expect(answer.headers.get('retry-after')).toBe('3');
  });

  it('429 in both body generations, with and without Retry-After', async () => {
    const json = await withFaults([{ kind: 'rate_limited', retryAfterSeconds: 7 }], (server) =>
      ask(server, v2),
    );
    expect(json.headers.get('retry-after')).toBe('7');
    expect(json.body).toMatchObject({ code: 'rate_limited', details: { retryAfterSeconds: 7 } });
    const text = await withFaults(
      [{ kind: 'rate_limited', retryAfterSeconds: null, format: 'text' }],
      (server) => ask(server, v2),
    );
    expect(text.headers.get('retry-after')).toBeNull();
    expect(text.text).toBe('429 - rate limit exceeded');
  });

  it('a login page with 200, and a redirect to one', async () => {
    const page = await withFaults([{ kind: 'login_page' }], (server) => ask(server, v2));
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const redirect = await withFaults([{ kind: 'redirect', path: v2Path }], (server) =>
      ask(server, v2),
    );
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/auth/sign-in']);
  });

  it('a row that is no observation', async () => {
    const rows = await withFaults(
      [{ kind: 'malformed_row', row: 'what', times: 1 }],
      async (server) => (await ask(server, v2)).data as unknown[],
    );
    expect(rows).toHaveLength(11);
    expect(rows[0]).toBe('what');
  });
});

describe('pages', () => {
  it('an empty page has a cursor that goes on from the same place, each time another', async () => {
    await withFaults([{ kind: 'empty_page', path: v2Path, skip: 1, times: 2 }], async (server) => {
      const rows = await askAll(server, v2, { limit: '4' });
      expect(rows).toHaveLength(10);
      const cursors = server.requests.map((request) => request.query.get('cursor'));
      expect(cursors).toHaveLength(5);
      expect(new Set(cursors).size).toBe(5);
    });
  });

  it('also as the first page, and for scores', async () => {
    await withFaults([{ kind: 'empty_page', times: 2 }], async (server) => {
      expect(await askAll(server, v2, {})).toHaveLength(10);
      server.store.putScore(aScore());
      server.setFaults([{ kind: 'empty_page', times: 1 }]);
      expect(await askAll(server, '/v3/scores', {})).toHaveLength(1);
    });
  });

  it('a repeated cursor comes back as it was sent', async () => {
    await withFaults([{ kind: 'repeated_cursor', skip: 1 }], async (server) => {
      const first = await ask(server, v2, { query: { limit: '4' } });
      const cursor = first.cursor ?? '';
      const second = await ask(server, v2, { query: { limit: '4', cursor } });
      expect(second.cursor).toBe(cursor);
    });
  });

  it.each([
    ['events_only', undefined, 422],
    ['v3-preview', '3.140.0', 524],
    ['v3-legacy', '3.100.0', 500],
  ] as const)('too many rows is the timeout of %s %s: %i', async (mode, version, status) => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(10) }),
      mode,
      ...(version ? { version } : {}),
      faults: [{ kind: 'too_large', maxRows: 4 }],
    });
    const path = mode === 'v3-legacy' ? '/observations' : v2;
    const tooMany = await ask(server, path, { query: { limit: '5' } });
    expect(tooMany.status).toBe(status);
    expect(tooMany.body['message']).toMatch(/narrow your request|Timeout error/);
    expect((await ask(server, path, { query: { limit: '4' } })).status).toBe(200);
  });

  it('a slice that is too long fails whatever the limit', async () => {
    await withFaults([{ kind: 'too_large', maxSpanMs: 3_600_000 }], async (server) => {
      const spanning = async (to: string): Promise<number> =>
        (
          await ask(server, v2, {
            query: { fromStartTime: '2026-11-02T09:00:00Z', toStartTime: to, limit: '1' },
          })
        ).status;
      expect(await spanning('2026-11-02T10:00:00Z')).toBe(200);
      expect(await spanning('2026-11-02T10:00:01Z')).toBe(422);
      expect(await statusOf(server)).toBe(422);
    });
  });

  it('a poison row fails any page that holds it, or only with content', async () => {
    const fault = { kind: 'poison_row', id: 'o005', maxRows: 0 } as const;
    await withFaults([fault], async (server) => {
      expect((await ask(server, v2, { query: { limit: '4' } })).status).toBe(200);
      expect((await ask(server, v2, { query: { limit: '5' } })).status).toBe(422);
    });
    await withFaults([{ ...fault, maxRows: 1, onlyWithContent: true }], async (server) => {
      expect((await ask(server, v2, { query: { limit: '5' } })).status).toBe(200);
      const withContent = { limit: '5', fields: 'core,io' };
      expect((await ask(server, v2, { query: withContent })).status).toBe(422);
    });
  });
});

describe('the connection', () => {
  it('is reset before the headers, or in the middle of the body', async () => {
    for (const at of ['before_headers', 'mid_body'] as const) {
      await withFaults([{ kind: 'reset', at }], async (server) => {
        await expect(ask(server, v2)).rejects.toThrow(/fetch failed|terminated/);
      });
    }
  });

  it('stalls before the headers, or in the middle of the body, until the client gives up', async () => {
    for (const at of ['before_headers', 'mid_body'] as const) {
      await withFaults([{ kind: 'stall', at }], async (server) => {
        await expect(ask(server, v2, { signal: AbortSignal.timeout(150) })).rejects.toThrow(
          /aborted/,
        );
        await expect.poll(() => server.requests[0]?.isAborted).toBe(true);
      });
    }
  });

  it('ends a body early as if it were whole', async () => {
    await withFaults([{ kind: 'truncated_json' }], async (server) => {
      await expect(ask(server, v2)).rejects.toThrow(SyntaxError);
    });
  });

  it('is slow', async () => {
    await withFaults([{ kind: 'delay', delayMs: 120 }], async (server) => {
      const startedMs = performance.now();
      await statusOf(server);
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(110);
    });
  });

  it('closes at once, even under a request that never ends', async () => {
    const server = await startSampleServer({
      traffic: aTraffic(),
      faults: [{ kind: 'stall', at: 'mid_body' }],
    });
    const hanging = ask(server, v2).catch((error: unknown) => error);
    await expect.poll(() => server.requests.length).toBe(1);
    await server.close();
    expect(await hanging).toBeInstanceOf(Error);
    await server.close();
  });
});
