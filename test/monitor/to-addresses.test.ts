import { describe, expect, test } from 'vitest';
import { toPingUrl, toPushUrl } from '../../src/monitor/to-addresses.ts';

describe('pings', () => {
  test.each([
    ['http://hc.internal/ping/abc', 'start', 'http://hc.internal/ping/abc/start?rid=r1'],
    ['http://hc.internal/ping/abc', 0, 'http://hc.internal/ping/abc?rid=r1'],
    ['http://hc.internal/ping/abc/', 75, 'http://hc.internal/ping/abc/75?rid=r1'],
    ['http://hc.internal/k/slug?create=1', 4, 'http://hc.internal/k/slug/4?create=1&rid=r1'],
  ] as const)('%s, %s', (base, event, url) => {
    expect(toPingUrl(base, { runId: 'r1', event }).href).toBe(url);
  });
});

describe('the group of a Pushgateway', () => {
  test.each([
    ['http://push:9091', 'http://push:9091/metrics/job/langfuse_mlflow/command/sync'],
    ['http://push:9091/base/', 'http://push:9091/base/metrics/job/langfuse_mlflow/command/sync'],
    [
      'http://push:9091/metrics/job/nightly/team/a',
      'http://push:9091/metrics/job/nightly/team/a/command/sync',
    ],
  ])('%s', (base, url) => {
    expect(toPushUrl(base, 'sync').href).toBe(url);
  });
});
