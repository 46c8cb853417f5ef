/** A window without a call is held against whatever else the same server can be asked. */
import { describe, expect, test } from 'vitest';
import type { SampleServerOptions } from '../../src/demo/sample-server.ts';
import type { SampleMode } from '../../src/demo/server-modes.ts';
import {
  anInterval,
  day,
  dayStartMs,
  sampleObservation,
  sampleTrace,
  sampleTraffic,
  startProject,
} from './project.ts';

const never = new AbortController().signal;
const v1Path = '/api/public/observations';
const v2Path = '/api/public/v2/observations';
const metricsPath = '/api/public/v2/metrics';

/** What is said of the day, and which requests that took. */
async function ask(
  options: Partial<SampleServerOptions> & { readonly mode: SampleMode },
  more: { readonly environments?: readonly string[]; readonly interval?: typeof day } = {},
) {
  const { environments = [], interval = day } = more;
  await using project = await startProject(options);
  const source = await project.open({ environments });
  const before = project.server.requests.length;
  const found = await source.findCallsElsewhere(interval, { signal: never });
  const asked = project.server.requests.slice(before);
  const again = await source.findCallsElsewhere(interval, { signal: never });
  return {
    found,
    again,
    paths: asked.map(({ path }) => path),
    pathsAgain: project.server.requests.slice(before + asked.length).map(({ path }) => path),
    notices: project.notices.map(({ message }) => message),
  };
}

describe('calls in another list of the same server', () => {
  test.each([
    ['dual', 'GET /api/public/observations', v1Path],
    ['v3-preview', 'GET /api/public/observations', v1Path],
    ['cloud', 'GET /api/public/observations', v1Path],
  ] as const)('of %s: the legacy list, one request', async (mode, name, path) => {
    expect(await ask({ mode })).toMatchObject({ found: name, again: name, paths: [path] });
  });

  test('a server in events_only mode: its metrics count, the legacy list is asked once', async () => {
    expect(await ask({ mode: 'events_only' })).toEqual({
      found: 'GET /api/public/v2/metrics',
      again: 'GET /api/public/v2/metrics',
      paths: [v1Path, metricsPath],
      pathsAgain: [metricsPath],
      notices: [],
    });
  });

  test('a server that writes no new table: its stale list is asked, and has the rows of old', async () => {
    const stale = { mode: 'v4-legacy-mode' as const };
    expect(await ask(stale)).toMatchObject({ found: null, paths: [v2Path] });
    expect(await ask({ ...stale, eventsTableUntilMs: day.toMs })).toMatchObject({
      found: 'GET /api/public/v2/observations',
    });
  });

  test.each(['v2.95', 'v3-legacy'] as const)('%s has no other list', async (mode) => {
    expect(await ask({ mode })).toMatchObject({ found: null, again: null, pathsAgain: [] });
  });

  test('a row of the very end, of another environment, a trace without a call: none', async () => {
    const late = sampleObservation({ startMs: day.toMs });
    for (const mode of ['dual', 'events_only'] as const) {
      const traffic = sampleTraffic({ observations: [late] });
      expect(await ask({ mode, traffic })).toMatchObject({ found: null });
      expect(await ask({ mode }, { environments: ['elsewhere'] })).toMatchObject({ found: null });
    }
    const trace = sampleTrace({ timestampMs: dayStartMs + 1000 });
    const traffic = sampleTraffic({ observations: [], traces: [trace] });
    const withRoots = { mode: 'v4-legacy-mode' as const, eventsTableUntilMs: day.toMs, traffic };
    expect(await ask(withRoots)).toMatchObject({ found: null, paths: [v2Path] });
    const before = anInterval(dayStartMs - 2000, dayStartMs - 1000);
    expect(await ask({ mode: 'dual' }, { interval: before })).toMatchObject({ found: null });
  });

  test('a list that fails for good is said and not asked again; a run can go on without it', async () => {
    const refused = { kind: 'status', status: 403, path: v1Path } as const;
    const told = await ask({ mode: 'dual', faults: [refused] });
    expect(told).toMatchObject({
      found: 'GET /api/public/v2/metrics',
      paths: [v1Path, metricsPath],
      pathsAgain: [metricsPath],
    });
    expect(told.notices).toEqual([
      expect.stringMatching(
        /^Empty windows are not compared with GET \/api\/public\/observations in this run: .*403/,
      ),
    ]);
  });

  test('the daily limit of metrics is not waited for', async () => {
    const faults = [
      { kind: 'rate_limited', retryAfterSeconds: 3600, path: metricsPath, skip: 1 } as const,
    ];
    const told = await ask({ mode: 'events_only', faults });
    expect(told).toMatchObject({ found: null, pathsAgain: [] });
    expect(told.notices).toEqual([expect.stringMatching(/not compared with .*metrics.*429/)]);
  });
});
