/** Which endpoint answers in which server mode, and how the others refuse. */
import { describe, expect, it } from 'vitest';
import { startSampleServer, type SampleServerOptions } from '../../src/demo/sample-server.ts';
import { sampleModes, type SampleMode } from '../../src/demo/server-modes.ts';
import { ask, aTraffic } from './client.ts';

const metrics = JSON.stringify({
  view: 'observations',
  metrics: [{ measure: 'count', aggregation: 'count' }],
  fromTimestamp: '2026-11-02T00:00:00Z',
  toTimestamp: '2026-11-03T00:00:00Z',
});

const endpoints = [
  '/health',
  '/projects',
  '/traces',
  '/observations',
  '/sessions',
  '/scores',
  '/v2/scores',
  '/v3/scores',
  '/v2/observations',
  '/metrics',
  '/metrics/daily',
  '/v2/metrics',
  '/models',
];

async function statuses(options: Partial<SampleServerOptions>): Promise<Record<string, number>> {
  await using server = await startSampleServer({ traffic: aTraffic(), ...options });
  const found: Record<string, number> = {};
  for (const path of endpoints) {
    const query = /^\/(v2\/)?metrics$/.test(path) ? { query: metrics } : {};
    found[path] = (await ask(server, path, { query })).status;
  }
  return found;
}

const legacyOpen = {
  '/traces': 200,
  '/observations': 200,
  '/sessions': 200,
  '/scores': 200,
  '/metrics/daily': 200,
};
const always = { '/health': 200, '/projects': 200, '/models': 200 };
const bothOpen = {
  ...always,
  ...legacyOpen,
  '/metrics': 200,
  '/v2/scores': 200,
  '/v3/scores': 200,
  '/v2/observations': 200,
  '/v2/metrics': 200,
};

const expected: Record<SampleMode, Record<string, number>> = {
  'v2.95': {
    ...always,
    ...legacyOpen,
    '/metrics': 404,
    '/v2/scores': 404,
    '/v3/scores': 404,
    '/v2/observations': 404,
    '/v2/metrics': 404,
  },
  'v3-legacy': { ...bothOpen, '/v2/observations': 404, '/v2/metrics': 404 },
  'v3-preview': bothOpen,
  dual: bothOpen,
  cloud: bothOpen,
  'v4-legacy-mode': { ...bothOpen, '/v2/metrics': 404 },
  events_only: {
    ...always,
    '/traces': 404,
    '/observations': 404,
    '/sessions': 404,
    '/scores': 404,
    '/metrics/daily': 404,
    '/metrics': 404,
    '/v2/scores': 404,
    '/v3/scores': 200,
    '/v2/observations': 200,
    '/v2/metrics': 200,
  },
};

describe('endpoints by server mode', () => {
  it.each(sampleModes)('%s', async (mode) => {
    expect(await statuses({ mode })).toEqual(expected[mode]);
  });

  it('a new Cloud organisation gets 410 on legacy routes', async () => {
    const found = await statuses({ mode: 'cloud', newOrganization: true });
    expect(found).toMatchObject({ '/traces': 410, '/observations': 410, '/v2/observations': 200 });
    expect(found).toMatchObject({ '/v3/scores': 200, '/projects': 200 });
  });
});

describe('how a server refuses', () => {
  it('events_only answers 404 before it looks at the key', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'events_only' });
    const answer = await ask(server, '/traces', { keys: null });
    expect(answer.status).toBe(404);
    expect(answer.body['message']).toContain('events_only mode');
    expect(answer.body['error']).toBeUndefined();
    expect((await ask(server, '/v2/observations', { keys: null })).status).toBe(401);
  });

  it('a gated v2 list answers JSON, after authentication; a missing route answers HTML', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const gated = await ask(server, '/v2/observations');
    expect(gated.body['error']).toBe('LangfuseNotFoundError');
    expect((await ask(server, '/v2/observations', { keys: null })).status).toBe(401);
    const missing = await ask(server, '/v9/observations');
    expect([missing.status, missing.headers.get('content-type')]).toEqual([
      404,
      'text/html; charset=utf-8',
    ]);
  });

  it.each([
    ['3.110.0', 404, 'text/html'],
    ['3.150.0', 501, 'application/json'],
    ['3.159.0', 404, 'application/json'],
  ])('the gate of %s is %i in %s', async (version, status, contentType) => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'v3-legacy',
      version,
    });
    const answer = await ask(server, '/v2/observations');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain(contentType);
  });

  it('a version 4 server in legacy mode answers v2 with 200 and stale rows', async () => {
    const traffic = aTraffic();
    await using server = await startSampleServer({ traffic, mode: 'v4-legacy-mode' });
    expect((await ask(server, '/v2/observations')).data).toEqual([]);
    expect((await ask(server, '/observations')).data).toHaveLength(1);
    await using stale = await startSampleServer({
      traffic,
      mode: 'v4-legacy-mode',
      eventsTableUntilMs: traffic.endMs,
    });
    expect((await ask(stale, '/v2/observations')).data.length).toBeGreaterThan(0);
  });

  it('only Cloud stamps _deprecation, and only on legacy routes', async () => {
    await using cloud = await startSampleServer({ traffic: aTraffic(), mode: 'cloud' });
    expect((await ask(cloud, '/traces')).body['_deprecation']).toMatchObject({
      sunsetAt: '2026-11-16',
    });
    expect((await ask(cloud, '/v2/observations')).body['_deprecation']).toBeUndefined();
    await using dual = await startSampleServer({ traffic: aTraffic(), mode: 'dual' });
    expect((await ask(dual, '/traces')).body['_deprecation']).toBeUndefined();
  });

  it('an operator may flip the mode between two requests', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'dual' });
    expect((await ask(server, '/traces')).status).toBe(200);
    server.setMode('events_only');
    expect((await ask(server, '/traces')).status).toBe(404);
  });
});

describe('keys and paths', () => {
  const other = { publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' };

  it('a key pair is found by its secret; a foreign public key is not refused', async () => {
    const otherTraffic = aTraffic({ project: { id: 'p2', name: 'Project two' } });
    await using server = await startSampleServer({
      traffic: aTraffic(),
      otherProjects: [{ keys: other, traffic: otherTraffic }],
    });
    const idWith = async (publicKey: string, secretKey: string): Promise<unknown> =>
      (await ask(server, '/projects', { keys: { publicKey, secretKey } })).data[0]?.['id'];
    expect(await idWith(server.keys.publicKey, server.keys.secretKey)).toBe('p1');
    expect(await idWith(server.keys.publicKey, other.secretKey)).toBe('p2');
  });

  it('refuses a wrong secret, no key, and an organisation key, each in its own words', async () => {
    const organizationKeys = { publicKey: 'pk-org', secretKey: 'sk-org' };
    await using server = await startSampleServer({ traffic: aTraffic(), organizationKeys });
    const wrong = await ask(server, '/traces', { keys: { ...server.keys, secretKey: 'sk-no' } });
    expect([wrong.status, wrong.body['message']]).toEqual([
      401,
      "Invalid credentials. Confirm that you've configured the correct host.",
    ]);
    expect((await ask(server, '/traces', { keys: null })).status).toBe(401);
    const organization = await ask(server, '/projects', { keys: organizationKeys });
    expect([organization.status, organization.body['message']]).toEqual([
      403,
      'Invalid API key. Are you using an organization key?',
    ]);
  });

  it('lives below a base path, and nowhere else', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), basePath: '/langfuse/' });
    expect(server.url).toMatch(/:\d+\/langfuse$/);
    expect((await ask(server, '/health')).body).toEqual({ status: 'OK', version: '4.16.0' });
    const outside = await fetch(`http://127.0.0.1:${server.port}/api/public/health`);
    expect([outside.status, outside.headers.get('content-type')]).toEqual([
      404,
      'text/html; charset=utf-8',
    ]);
  });

  it('only reads', async () => {
    await using server = await startSampleServer({ traffic: aTraffic() });
    expect((await ask(server, '/traces', { method: 'DELETE' })).status).toBe(405);
  });
});
