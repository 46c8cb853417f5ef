/** A small Langfuse project on a real socket, and a source that reads it. */
import {
  startSampleServer,
  type SampleServer,
  type SampleServerOptions,
} from '../../src/demo/sample-server.ts';
import type {
  SampleObservation,
  SampleScore,
  SampleTrace,
  SampleTraffic,
} from '../../src/demo/sample-types.ts';
import { openSource } from '../../src/langfuse/open-source.ts';
import type { SourceNotice, SourceSettings } from '../../src/langfuse/source-settings.ts';
import type { Clock } from '../../src/shared/clock.ts';
import type { Observation, Score, TraceAttributes } from '../../src/shared/observation.ts';
import { dayMs, minuteMs, toInstant, type Interval } from '../../src/shared/time.ts';
import type { ContentRow, Source, UnreadableRow } from '../../src/sync/ports.ts';

/** 2026-11-20T00:00:00.000Z. */
export const dayStartMs = Date.UTC(2026, 10, 20);
export const day: Interval = { fromMs: toInstant(dayStartMs), toMs: toInstant(dayStartMs + dayMs) };

export function anInterval(fromMs: number, toMs: number): Interval {
  return { fromMs: toInstant(fromMs), toMs: toInstant(toMs) };
}

export function sampleObservation(fields: Partial<SampleObservation> = {}): SampleObservation {
  const startMs = fields.startMs ?? dayStartMs + 10 * minuteMs;
  return {
    id: 'observation-1',
    traceId: 'trace-1',
    parentObservationId: null,
    type: 'GENERATION',
    name: 'litellm-acompletion',
    environment: 'default',
    version: null,
    startMs,
    endMs: startMs + 2000,
    completionStartMs: startMs + 400,
    createdMs: startMs + 3000,
    updatedMs: startMs + 3000,
    availableAtMs: startMs + 3000,
    level: 'DEFAULT',
    statusMessage: null,
    model: 'openai/gpt-4o',
    modelParameters: { stream: true },
    usageDetails: { input: 100, output: 20, total: 120 },
    costDetails: { total: 0.001 },
    promptName: null,
    promptVersion: null,
    metadata: {},
    input: { messages: [{ role: 'user', content: 'hello' }] },
    output: { role: 'assistant', content: 'hi' },
    matchedModel: null,
    writer: 'ingestion',
    truth: {
      kind: 'generation',
      requestId: null,
      tokens: null,
      costUsd: null,
      sessionId: null,
      timeToFirstTokenMs: null,
      latencyMs: null,
    },
    ...fields,
  };
}

export function sampleTrace(fields: Partial<SampleTrace> = {}): SampleTrace {
  const timestampMs = fields.timestampMs ?? dayStartMs + 10 * minuteMs;
  return {
    id: 'trace-1',
    timestampMs,
    name: 'litellm-acompletion',
    userId: 'user-1',
    sessionId: 'session-1',
    tags: ['User-Agent: Cline'],
    environment: 'default',
    release: null,
    version: null,
    metadata: {},
    input: null,
    output: null,
    createdMs: timestampMs + 3000,
    updatedMs: timestampMs + 3000,
    availableAtMs: timestampMs + 3000,
    writer: 'ingestion',
    ...fields,
  };
}

export function sampleScore(fields: Partial<SampleScore> = {}): SampleScore {
  const timestampMs = fields.timestampMs ?? dayStartMs + 20 * minuteMs;
  return {
    id: 'score-1',
    name: 'helpful',
    dataType: 'NUMERIC',
    value: 0.5,
    stringValue: null,
    source: 'API',
    comment: null,
    environment: 'default',
    timestampMs,
    createdMs: timestampMs,
    updatedMs: timestampMs,
    availableAtMs: timestampMs,
    traceId: 'trace-1',
    observationId: null,
    sessionId: null,
    ...fields,
  };
}

/** One observation in one trace unless told otherwise. */
export function sampleTraffic(fields: Partial<SampleTraffic> = {}): SampleTraffic {
  return {
    project: { id: 'project-1', name: 'Team gateway' },
    seed: 1,
    startMs: day.fromMs,
    endMs: day.toMs,
    traces: [sampleTrace()],
    observations: [sampleObservation()],
    scores: [],
    ...fields,
  };
}

/** `count` observations, each in a trace of its own, `stepMs` apart. */
export function manyRows(
  count: number,
  shape: { readonly stepMs?: number; readonly startMs?: number } = {},
): Pick<SampleTraffic, 'traces' | 'observations'> {
  const { stepMs = minuteMs, startMs = dayStartMs } = shape;
  const names = Array.from({ length: count }, (_, index) => String(index).padStart(5, '0'));
  return {
    traces: names.map((name, index) =>
      sampleTrace({
        id: `trace-${name}`,
        timestampMs: startMs + index * stepMs,
        sessionId: `session-${index % 7}`,
      }),
    ),
    observations: names.map((name, index) =>
      sampleObservation({
        id: `observation-${name}`,
        traceId: `trace-${name}`,
        startMs: startMs + index * stepMs,
      }),
    ),
  };
}

/** A clock that sleeps in no time, and remembers what it was asked. */
export interface QuickClock extends Clock {
  readonly sleptMs: readonly number[];
}

export function createQuickClock(startMs: number = Date.now()): QuickClock {
  const sleptMs: number[] = [];
  let nowMs = startMs;
  return {
    sleptMs,
    now: () => toInstant(Math.floor(nowMs)),
    sleep(ms, signal) {
      signal?.throwIfAborted();
      sleptMs.push(ms);
      nowMs += ms;
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}

export interface TestProject extends AsyncDisposable {
  readonly server: SampleServer;
  readonly clock: QuickClock;
  readonly notices: SourceNotice[];
  readonly settings: SourceSettings;
  open(overrides?: Partial<SourceSettings>): Promise<Source>;
}

export async function startProject(
  options: Partial<SampleServerOptions> = {},
  overrides: Partial<SourceSettings> = {},
): Promise<TestProject> {
  const server = await startSampleServer({ traffic: sampleTraffic(), ...options });
  const clock = createQuickClock();
  const notices: SourceNotice[] = [];
  const settings: SourceSettings = {
    baseUrl: server.url,
    ...server.keys,
    concurrency: 2,
    timeoutMs: 5000,
    maxWaitMs: 600_000,
    reader: 'auto',
    clock,
    random: () => 0.5,
    onNotice: (notice) => notices.push(notice),
    ...overrides,
  };
  return {
    server,
    clock,
    notices,
    settings,
    open: (more = {}) => openSource({ ...settings, ...more }),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

export interface WindowRows {
  readonly observations: Observation[];
  readonly traces: TraceAttributes[];
  readonly unreadable: UnreadableRow[];
  readonly pages: number;
}

const never = new AbortController().signal;

export async function readAll(
  source: Source,
  interval: Interval = day,
  signal = never,
): Promise<WindowRows> {
  const all = {
    observations: [] as Observation[],
    traces: [] as TraceAttributes[],
    unreadable: [] as UnreadableRow[],
    pages: 0,
  };
  for await (const page of source.readWindow(interval, { signal })) {
    all.observations.push(...page.observations);
    all.traces.push(...page.traces);
    all.unreadable.push(...page.unreadable);
    all.pages += 1;
  }
  return all;
}

export async function readAllContent(
  source: Source,
  interval: Interval = day,
): Promise<{ rows: ContentRow[]; unreadable: UnreadableRow[] }> {
  const all = { rows: [] as ContentRow[], unreadable: [] as UnreadableRow[] };
  for await (const page of source.readContent(interval, { signal: never })) {
    all.rows.push(...page.rows);
    all.unreadable.push(...page.unreadable);
  }
  return all;
}

export async function readAllScores(source: Source, interval: Interval = day): Promise<Score[]> {
  const all: Score[] = [];
  for await (const scores of source.readScores(interval, { signal: never })) all.push(...scores);
  return all;
}

/** Newest `updatedMs` of each (trace id, id), as every caller of a source does; synthetic roots left out. */
export function deduplicate(observations: readonly Observation[]): Map<string, Observation> {
  const newest = new Map<string, Observation>();
  for (const row of observations) {
    if (row.id === `t-${row.traceId}`) continue;
    const key = `${row.traceId} ${row.id}`;
    const known = newest.get(key);
    if (!known || (row.updatedMs ?? 0) > (known.updatedMs ?? 0)) newest.set(key, row);
  }
  return newest;
}

export function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return [...new Set(rows.map((row) => row.id))].sort();
}
