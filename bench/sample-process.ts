/** The sample Langfuse as a process of its own, so that its work is in nobody's figures. Talks over IPC. */
import { startSampleServer } from '../src/demo/sample-server.ts';
import { createBenchClock } from './bench-clock.ts';
import { createSampleTraffic, sampleDays, sampleStartMs } from '../src/demo/traffic.ts';

export interface SampleOptions {
  readonly rows: number;
  readonly latencyMs: number;
  /** Permitted requests a minute; null: as many as one likes. */
  readonly requestsPerMinute: number | null;
}

export type SampleMessage =
  | {
      readonly kind: 'ready';
      readonly url: string;
      readonly publicKey: string;
      readonly secretKey: string;
      readonly fromMs: number;
      readonly rows: number;
    }
  | { readonly kind: 'counts'; readonly requests: number; readonly limited: number };

const options = JSON.parse(process.argv[2] ?? '{}') as SampleOptions;
// An ordinary fortnight has about 10.5 calls for each request of a working day.
const traffic = createSampleTraffic({
  content: 'cheap',
  requestsPerDay: options.rows / 10.5,
  days: sampleDays,
});
// Only calls that count, so that a loop that knows nothing of LiteLLM comes to the same sum.
const calls = traffic.observations
  .filter(
    (row) =>
      row.truth.kind === 'generation' && row.truth.tokens !== null && row.type === 'GENERATION',
  )
  .slice(0, options.rows);
let asked = 0;
const server = await startSampleServer({
  traffic: { ...traffic, observations: calls, scores: [] },
  latencyMs: options.latencyMs,
  duplicateShare: 0.01,
  clock: createBenchClock({ fromMs: sampleStartMs, days: sampleDays }),
  dateSkewMs: 0,
  faults: [
    {
      kind: 'status',
      status: 503,
      when: ({ path }) => path.includes('observations') && (asked += 1) % 50 === 0,
    },
  ],
  ...(options.requestsPerMinute === null
    ? {}
    : {
        rateLimits: {
          'public-api': { points: options.requestsPerMinute, windowMs: 60_000 },
          'public-api-legacy': { points: options.requestsPerMinute, windowMs: 60_000 },
        },
      }),
});

const send = (message: SampleMessage): void => void process.send?.(message);
process.on('message', () => {
  send({
    kind: 'counts',
    requests: server.requests.length,
    limited: server.requests.filter(({ status }) => status === 429).length,
  });
  server.clearRequests();
  asked = 0;
});
process.on('disconnect', () => process.exit());
send({
  kind: 'ready',
  url: server.url,
  ...server.keys,
  fromMs: sampleStartMs,
  rows: new Set(calls.map((row) => `${row.traceId}/${row.id}`)).size,
});
