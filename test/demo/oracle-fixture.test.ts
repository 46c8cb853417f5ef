/** The oracle against the recorded LiteLLM rows and the values worked out for them by hand. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { readOracle, type OracleAttempt } from '../support/oracle.ts';

interface ExpectedRow {
  readonly id: string;
  readonly input_total: number | null;
  readonly uncached: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly output_total: number | null;
  readonly reasoning: number | null;
  readonly total: number | null;
  readonly cost: number | null;
  readonly ttft_s: number | null;
  readonly error: boolean;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(`test/fixtures/${name}`, 'utf8')) as unknown;

const toExpectedRow = (attempt: OracleAttempt): ExpectedRow => ({
  id: attempt.id,
  input_total: attempt.tokens?.prompt ?? null,
  uncached: attempt.tokens?.uncached ?? null,
  cache_read: attempt.tokens?.cacheRead ?? null,
  cache_write: attempt.tokens?.cacheWrite ?? null,
  output_total: attempt.tokens?.completion ?? null,
  reasoning: attempt.tokens?.reasoning ?? null,
  total: attempt.tokens?.total ?? null,
  cost: attempt.costUsd,
  ttft_s: attempt.timeToFirstTokenMs === null ? null : attempt.timeToFirstTokenMs / 1000,
  error: attempt.isError,
});

it('finds the expected values of all twelve recorded rows', async () => {
  const answers: Record<string, unknown> = {
    '/api/public/observations': read('litellm-samples.json'),
    '/api/public/traces': read('litellm-samples-traces.json'),
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fixture');
    const isFirst = url.searchParams.get('page') === '1';
    response.end(JSON.stringify(isFirst ? answers[url.pathname] : { data: [] }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    const oracle = await readOracle({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      publicKey: 'pk',
      secretKey: 'sk',
      fromMs: Date.UTC(2026, 0, 1),
      toMs: Date.UTC(2027, 0, 1),
      api: 'v1',
    });
    const expected = read('litellm-samples-expected.json') as ExpectedRow[];
    const byId = (a: ExpectedRow, b: ExpectedRow): number => a.id.localeCompare(b.id);
    expect(oracle.attempts.map(toExpectedRow).sort(byId)).toEqual(expected.toSorted(byId));
    expect(oracle.doubleLogged).toBe(0);
    expect(oracle.all).toMatchObject({ requests: 12, errors: 1, usageMissingAttempts: 1 });
    expect(oracle.bySession.get('cline-01KSYN7Q4V0000000000TASKA')?.requests).toBe(2);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
