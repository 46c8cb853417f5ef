import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { probeSource } from '../../src/langfuse/probe.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { SampleMode } from '../../src/demo/server-modes.ts';
import { readAll, sampleTraffic, startProject } from './project.ts';

describe('the reader follows what the server can do', () => {
  const expected: readonly {
    mode: SampleMode;
    version?: string;
    newOrganization?: boolean;
    reader: 'v2' | 'legacy';
    scores: 'v3' | 'v2' | 'v1';
    because: RegExp;
  }[] = [
    { mode: 'v2.95', reader: 'legacy', scores: 'v1', because: /v2\/observations answered 404/ },
    {
      mode: 'v3-legacy',
      reader: 'legacy',
      scores: 'v3',
      because: /only available in a Langfuse v4 write mode/,
    },
    {
      mode: 'v3-legacy',
      version: '3.150.0',
      reader: 'legacy',
      scores: 'v2',
      because: /answered 501/,
    },
    { mode: 'v3-preview', reader: 'v2', scores: 'v3', because: /v2\/observations is available/ },
    { mode: 'dual', reader: 'v2', scores: 'v3', because: /is available/ },
    { mode: 'events_only', reader: 'v2', scores: 'v3', because: /is available/ },
    {
      mode: 'v4-legacy-mode',
      reader: 'legacy',
      scores: 'v3',
      because: /stale.*v2\/metrics answered 404/,
    },
    { mode: 'cloud', reader: 'v2', scores: 'v3', because: /is available/ },
    { mode: 'cloud', newOrganization: true, reader: 'v2', scores: 'v3', because: /is available/ },
  ];
  it.each(expected)(
    '$mode $version $newOrganization',
    async ({ mode, version, newOrganization, ...found }) => {
      await using project = await startProject({
        mode,
        ...(version === undefined ? {} : { version }),
        ...(newOrganization === undefined ? {} : { newOrganization }),
      });
      const { description } = await project.open();
      expect(description.reader).toBe(found.reader);
      expect(description.scores).toBe(found.scores);
      expect(description.reason).toMatch(found.because);
      expect(description.projectId).toBe('project-1');
      expect(description.projectName).toBe('Team gateway');
      expect(description.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
      expect(Math.abs(description.clockSkewMs ?? Infinity)).toBeLessThan(3000);
    },
  );

  it('reads a v4 server in legacy mode from the table that is written', async () => {
    await using project = await startProject({ mode: 'v4-legacy-mode' });
    const { observations } = await readAll(await project.open());
    expect(observations.map((row) => row.id)).toEqual(['observation-1']);
  });

  it('trusts v2 when the metrics probe is rate limited, and waits not a second for it', async () => {
    await using project = await startProject({
      mode: 'cloud',
      faults: [{ kind: 'rate_limited', retryAfterSeconds: 7200, path: '/api/public/v2/metrics' }],
    });
    expect((await project.open()).description.reader).toBe('v2');
    expect(project.clock.sleptMs).toEqual([]);
  });

  it('measures how far the clock of the server is off', async () => {
    await using project = await startProject({ dateSkewMs: 90_000 }, { clock: systemClock });
    const { clockSkewMs } = (await project.open()).description;
    expect(clockSkewMs).toBeGreaterThan(88_000);
    expect(clockSkewMs).toBeLessThan(91_000);
  });
});

describe('a reader that was asked for', () => {
  it('legacy is read where both answer', async () => {
    await using project = await startProject({ mode: 'dual' });
    const { description } = await project.open({ reader: 'legacy' });
    expect(description.reader).toBe('legacy');
  });

  it.each([
    { mode: 'v3-legacy', reader: 'v2', says: /v2 reader was asked for.*404/ },
    { mode: 'v4-legacy-mode', reader: 'v2', says: /would be stale/ },
    { mode: 'events_only', reader: 'legacy', says: /events_only mode/ },
  ] as const)('is refused where it can not read: $mode $reader', async ({ mode, reader, says }) => {
    await using project = await startProject({ mode });
    await expect(project.open({ reader })).rejects.toMatchObject({
      code: 'LANGFUSE_UNSUPPORTED',
      message: expect.stringMatching(says) as string,
    });
  });

  it('a server with neither says both reasons', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      faults: [{ kind: 'status', status: 410, path: '/api/public/traces' }],
    });
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNSUPPORTED',
      message: expect.stringMatching(
        /v2\/observations answered 404.*traces answered 410/,
      ) as string,
    });
  });
});

describe('keys and addresses', () => {
  it('a wrong key is LANGFUSE_AUTH, even where legacy routes answer 404 before they look at keys', async () => {
    await using project = await startProject({ mode: 'events_only' });
    await expect(project.open({ secretKey: 'sk-lf-wrong' })).rejects.toMatchObject({
      code: 'LANGFUSE_AUTH',
      message: expect.stringMatching(/projects answered 401: Invalid credentials/) as string,
    });
  });

  it('an organisation key is told from a wrong one', async () => {
    const organizationKeys = { publicKey: 'pk-lf-org', secretKey: 'sk-lf-org' };
    await using project = await startProject({ organizationKeys });
    await expect(project.open(organizationKeys)).rejects.toMatchObject({
      code: 'LANGFUSE_AUTH',
      message: expect.stringMatching(/organisation key can't read a project/) as string,
    });
  });

  it('the project is that of the secret key, whatever the public key says', async () => {
    const other = { publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' };
    await using project = await startProject({
      otherProjects: [
        { keys: other, traffic: sampleTraffic({ project: { id: 'project-2', name: 'Other' } }) },
      ],
    });
    const source = await project.open({ secretKey: other.secretKey });
    expect(source.description.projectId).toBe('project-2');
  });

  it('a base path works, and a missing one is named', async () => {
    await using project = await startProject({ basePath: '/langfuse' });
    expect((await project.open()).description.baseUrl).toMatch(/\/langfuse$/);
    expect((await project.open({ baseUrl: `${project.server.url}/` })).description.reader).toBe(
      'v2',
    );
    const withoutPath = project.server.url.replace('/langfuse', '');
    await expect(project.open({ baseUrl: withoutPath })).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/no Langfuse API below that address.*base path/) as string,
    });
  });

  it('a login page with 200 is no data', async () => {
    await using project = await startProject({ faults: [{ kind: 'login_page' }] });
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/200 with an HTML page/) as string,
    });
  });

  it('a login page behind the health check is no data either', async () => {
    await using project = await startProject({
      faults: [{ kind: 'login_page', path: '/api/public/projects' }],
    });
    await expect(project.open()).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });

  it('a redirect to another host is refused before any key is sent', async () => {
    const seen: (string | undefined)[] = [];
    const stranger = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{"data":[]}');
    });
    await new Promise<void>((resolve) => {
      stranger.listen(0, '127.0.0.1', resolve);
    });
    const origin = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    await using project = await startProject({
      faults: [{ kind: 'redirect', location: `${origin}/elsewhere` }],
    });
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringContaining(origin) as string,
    });
    expect(seen).toEqual([]);
    expect(project.server.requests.map((request) => request.path)).toEqual(['/api/public/health']);

    project.server.setFaults([
      { kind: 'redirect', location: `${origin}/elsewhere`, path: '/api/public/projects' },
    ]);
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/redirected to .* refused/) as string,
    });
    // Not even without the keys.
    expect(seen).toEqual([]);
    await new Promise((resolve) => {
      stranger.close(resolve);
    });
  });

  it('nobody at the address is LANGFUSE_UNREACHABLE with the reason of the network', async () => {
    await using project = await startProject();
    await project.server.close();
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNREACHABLE',
      message: expect.stringMatching(
        /health could not be reached \(.*ECONNREFUSED.*\), 6 times/,
      ) as string,
    });
    expect(project.clock.sleptMs).toHaveLength(5);
  });

  it('something else that speaks JSON is no Langfuse', async () => {
    await using project = await startProject({
      faults: [{ kind: 'malformed_row', path: '/api/public/projects' }],
    });
    await expect(project.open()).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/did not answer with projects/) as string,
    });
  });

  it('no message holds a secret, whatever a server echoes', async () => {
    await using project = await startProject({
      faults: [
        {
          kind: 'status',
          status: 400,
          message: 'bad key sk-lf-sample in request',
          path: '/api/public/projects',
        },
      ],
    });
    const report = await probeSource(project.settings);
    expect(report.failure?.message).toContain('bad key *** in request');
    expect(JSON.stringify([report, project.notices])).not.toContain('sk-lf-sample');
  });
});

describe('probeSource', () => {
  it('tells each step by itself', async () => {
    await using project = await startProject({ mode: 'v4-legacy-mode' });
    const report = await probeSource(project.settings);
    expect(report.failure).toBeNull();
    expect(report.steps.map(({ name, ok }) => `${name}: ${ok}`)).toEqual([
      'server: true',
      'keys: true',
      'v2 observations: true',
      'events table: false',
      'legacy traces: true',
      'scores: true',
    ]);
  });

  it('goes on without a version where a proxy hides /health', async () => {
    await using project = await startProject({
      faults: [{ kind: 'status', status: 404, format: 'html', path: '/api/public/health' }],
    });
    const report = await probeSource(project.settings);
    expect(report.steps[0]).toMatchObject({ name: 'server', ok: false });
    expect(report.description).toMatchObject({ serverVersion: null, reader: 'v2' });
  });

  it('keeps the steps before a failure', async () => {
    await using project = await startProject();
    const report = await probeSource({ ...project.settings, secretKey: 'sk-lf-wrong' });
    expect(report.description).toBeNull();
    expect(report.failure?.code).toBe('LANGFUSE_AUTH');
    expect(report.steps.map(({ name, ok }) => `${name}: ${ok}`)).toEqual([
      'server: true',
      'keys: false',
    ]);
  });

  it('asks again on each run: an operator can flip the mode', async () => {
    await using project = await startProject({ mode: 'v3-legacy' });
    expect((await project.open()).description.reader).toBe('legacy');
    project.server.setMode('events_only');
    expect((await project.open()).description.reader).toBe('v2');
  });

  it('ends when it is told to', async () => {
    await using project = await startProject({ faults: [{ kind: 'stall', at: 'before_headers' }] });
    const stop = new AbortController();
    const report = probeSource({ ...project.settings, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    expect((await report).failure?.code).toBe('CANCELLED');
  });
});
