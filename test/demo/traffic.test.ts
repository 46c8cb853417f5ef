/** The sample traffic: the same for the same seed, like a team at work, and without doubtful cases. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SampleObservation } from '../../src/demo/sample-types.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';

const traffic = createSampleTraffic();
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const newest = new Map<string, SampleObservation>();
for (const row of traffic.observations) newest.set(`${row.traceId} ${row.id}`, row);
const rows = [...newest.values()].sort((a, b) => a.startMs - b.startMs);
const generations = rows.filter((row) => row.truth.kind === 'generation');
const traceById = new Map(traffic.traces.map((trace) => [trace.id, trace]));

const some = (holds: (row: SampleObservation) => boolean): number => rows.filter(holds).length;
const group = <K>(keyOf: (row: SampleObservation) => K): Map<K, SampleObservation[]> => {
  const groups = new Map<K, SampleObservation[]>();
  for (const row of generations) {
    const members = groups.get(keyOf(row)) ?? [];
    members.push(row);
    groups.set(keyOf(row), members);
  }
  return groups;
};
const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

describe('determinism', () => {
  it('the same seed gives the same rows, another seed others', () => {
    const small = { days: 2, seed: 3 };
    const first = hashOf(createSampleTraffic(small));
    expect(hashOf(createSampleTraffic(small))).toBe(first);
    expect(hashOf(createSampleTraffic({ ...small, seed: 4 }))).not.toBe(first);
  });

  it('the default traffic is the one that documents and screenshots show', () => {
    expect({
      hash: hashOf(traffic),
      rows: traffic.observations.length,
      generations: generations.length,
      traces: traffic.traces.length,
      scores: traffic.scores.length,
    }).toMatchInlineSnapshot(`
      {
        "generations": 5217,
        "hash": "3f40a0756329bbf1",
        "rows": 6630,
        "scores": 284,
        "traces": 3345,
      }
    `);
  });

  it('grows with requestsPerDay, and cheap content is small', () => {
    const busy = createSampleTraffic({ days: 1, requestsPerDay: 3000, content: 'cheap' });
    const counted = busy.observations.filter((row) => row.truth.kind === 'generation');
    expect(counted.length).toBeGreaterThan(2000);
    expect(counted.length).toBeLessThan(4500);
    expect(JSON.stringify(counted.map((row) => row.input)).length).toBeLessThan(
      counted.length * 400,
    );
  });
});

describe('two weeks of a team', () => {
  it('has some thousand calls in range, most of them on working days in working hours', () => {
    expect(generations.length).toBeGreaterThan(4000);
    expect(generations.length).toBeLessThan(6000);
    expect(rows.every((row) => row.startMs < traffic.endMs)).toBe(true);
    const byDay = group((row) => Math.floor((row.startMs - traffic.startMs) / dayMs));
    expect(byDay.size).toBe(14);
    const counts = [...byDay.entries()].map(([day, members]) => [day % 7, members.length] as const);
    const least = Math.min(...counts.filter(([day]) => day < 5).map(([, count]) => count));
    const most = Math.max(...counts.filter(([day]) => day >= 5).map(([, count]) => count));
    expect(least).toBeGreaterThan(2 * most);
    const hours = group((row) => new Date(row.startMs).getUTCHours());
    expect(hours.get(11)?.length).toBeGreaterThan(5 * (hours.get(21)?.length ?? 0));
  });

  it('has every model, LiteLLM line and client', () => {
    expect([...group((row) => row.model).keys()].map(String).sort()).toEqual([
      'anthropic/claude-haiku-4-5-20251001',
      'anthropic/claude-sonnet-4-5-20250929',
      'azure/corp-reasoner-east',
      'bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'deepseek/deepseek-reasoner',
      'hosted_vllm/qwen3-coder-30b',
      'null',
      'openai/gpt-4o-mini',
      'openai/gpt-5-mini',
      'openai/text-embedding-3-small',
      'vertex_ai/gemini-2.5-pro',
    ]);
    expect([...group((row) => row.writer).keys()].sort()).toEqual([
      'ingestion',
      'otel',
      'otel_direct',
    ]);
    const versions = new Set(rows.map((row) => row.metadata['litellm_api_version']));
    expect(versions).toEqual(new Set([undefined, '1.72.6', '1.80.11']));
    const products = new Set(traffic.traces.flatMap((trace) => trace.tags));
    for (const product of ['OpenAI', 'claude-cli', 'RooCode', 'opencode', 'ai-sdk', 'curl']) {
      expect(products).toContain(`User-Agent: ${product}`);
    }
  });

  it('has long sessions that resend their growing history, some over midnight', () => {
    const sessions = [...group((row) => row.truth.sessionId).entries()].filter(
      ([id]) => id !== null,
    );
    const long = sessions.filter(([, members]) => members.length >= 20);
    expect(long.length).toBeGreaterThan(50);
    const overMidnight = sessions.filter(
      ([, members]) => new Set(members.map((row) => Math.floor(row.startMs / dayMs))).size > 1,
    );
    expect(overMidnight.length).toBeGreaterThan(0);
    let resent = 0;
    let condensed = 0;
    for (const [, members] of long) {
      const answered = members.filter((row) => row.level !== 'ERROR');
      for (const [index, row] of answered.entries()) {
        const next = answered[index + 1];
        if (!next) continue;
        const before = messagesOf(row);
        const after = messagesOf(next);
        const isPrefix = before.every((text, at) => after[at] === text);
        if (isPrefix && after.length > before.length) resent++;
        else if (after.some((text) => text.includes('<summary>'))) condensed++;
      }
    }
    expect(resent).toBeGreaterThan(1000);
    expect(condensed).toBeGreaterThan(0);
  });

  it('has every case that a reader and an understanding must handle', () => {
    const has = {
      error: some((row) => row.level === 'ERROR'),
      billedFailure: some((row) => row.level === 'ERROR' && (row.truth.costUsd ?? 0) > 0),
      doubleLog: some((row) => row.truth.kind === 'double_log'),
      cacheHit: some((row) => row.metadata['cache_hit'] === true),
      usageMissing: generations.filter((row) => row.level !== 'ERROR' && row.truth.tokens === null)
        .length,
      usageZero: some((row) => row.usageDetails['total'] === 0),
      totalMissing: some((row) => 'input' in row.usageDetails && !('total' in row.usageDetails)),
      costUnknown: generations.filter((row) => row.truth.costUsd === null).length,
      costOnlyInMetadata: generations.filter(
        (row) => Object.keys(row.costDetails).length === 0 && (row.truth.costUsd ?? 0) > 0,
      ).length,
      estimate: some((row) => 'output' in row.costDetails),
      modelMissing: generations.filter((row) => row.model === null).length,
      embedding: some((row) => row.type === 'EMBEDDING'),
      guardrail: some((row) => row.name === 'guardrail'),
      proxySpan: some((row) => row.name === 'Received Proxy Server Request'),
      clineExport: some((row) => row.name === 'ai.streamText.doStream'),
      event: some((row) => row.type === 'EVENT'),
      brokenClock: some((row) => row.endMs !== null && row.endMs < row.startMs),
      firstToken: generations.filter((row) => row.truth.timeToFirstTokenMs !== null).length,
      firstTokenAtEnd: some(
        (row) => row.modelParameters?.['stream'] === true && row.completionStartMs === row.endMs,
      ),
      prompt: some((row) => row.promptName !== null),
      reasoning: some((row) => (row.truth.tokens?.reasoning ?? 0) > 0),
      image: some((row) => JSON.stringify(row.input).includes('@@@langfuseMedia')),
      reasoningText: some((row) => JSON.stringify(row.output).includes('reasoning_content')),
      noKey: generations.filter(
        (row) => row.writer === 'ingestion' && !('user_api_key_hash' in row.metadata),
      ).length,
      late: generations.filter((row) => row.availableAtMs - row.startMs > hourMs).length,
      updated: traffic.observations.length - newest.size,
    };
    expect(Object.entries(has).filter(([, count]) => count === 0)).toEqual([]);
    for (const failure of [
      'RateLimitError',
      'Timeout',
      'ContextWindowExceededError',
      'AuthenticationError',
    ]) {
      expect(
        some((row) => row.statusMessage?.startsWith(`litellm.${failure}`) ?? false),
      ).toBeGreaterThan(0);
    }
  });

  it('writes input in three ways, and none of them changes the truth', () => {
    const ways = { whole: 0, withoutReads: 0, split: 0 };
    for (const row of generations) {
      const { tokens } = row.truth;
      const input = row.usageDetails['input'];
      if (tokens === null || input === undefined || tokens.cacheRead === 0) continue;
      if (input === tokens.prompt) ways.whole++;
      else if ('input_cached_tokens' in row.usageDetails) ways.split++;
      else if (input === tokens.prompt - tokens.cacheRead) ways.withoutReads++;
    }
    expect(Math.min(ways.whole, ways.withoutReads, ways.split)).toBeGreaterThan(10);
  });

  it('has scores on observations, traces and sessions, some days later, some edited', () => {
    const { scores } = traffic;
    expect(scores.some((score) => score.observationId !== null)).toBe(true);
    expect(scores.some((score) => score.traceId !== null && score.observationId === null)).toBe(
      true,
    );
    const onSessions = scores.filter((score) => score.sessionId !== null);
    expect(onSessions.length).toBeGreaterThan(10);
    const sessionIds = new Set(traffic.traces.map((trace) => trace.sessionId));
    expect(onSessions.every((score) => sessionIds.has(score.sessionId))).toBe(true);
    expect(new Set(scores.map((score) => score.dataType)).size).toBe(3);
    expect(scores.length).toBeGreaterThan(new Set(scores.map((score) => score.id)).size);
    const lateMs = scores.map((score) => {
      const trace = score.traceId === null ? undefined : traceById.get(score.traceId);
      return trace ? score.timestampMs - trace.timestampMs : 0;
    });
    expect(Math.max(...lateMs)).toBeGreaterThan(hourMs);
    expect(scores.some((score) => score.timestampMs > traffic.endMs)).toBe(true);
  });

  it('costs are tokens times the price', () => {
    const sonnet = generations.filter(
      (row) => row.model?.includes('claude-sonnet') === true && row.level !== 'ERROR',
    );
    expect(sonnet.length).toBeGreaterThan(500);
    for (const { truth } of sonnet) {
      if (truth.tokens === null) throw new Error('every Sonnet answer has usage');
      const { prompt, completion, cacheRead, cacheWrite } = truth.tokens;
      const uncached = prompt - cacheRead - cacheWrite;
      const cost = (uncached * 3 + cacheRead * 0.3 + cacheWrite * 3.75 + completion * 15) / 1e6;
      expect(truth.costUsd).toBeCloseTo(cost, 9);
    }
  });
});

describe('nothing is left to opinion', () => {
  const requests = group((row) => row.truth.requestId);

  it('ids are unique within a trace, and each row has its trace', () => {
    const keys = traffic.traces.map((trace) => trace.id);
    expect(new Set(keys).size).toBe(keys.length);
    expect(rows.filter((row) => !traceById.has(row.traceId))).toEqual([]);
  });

  it('attempts of a request share trace and day; only the last may be answered', () => {
    const retried = [...requests.values()].filter((attempts) => attempts.length > 1);
    expect(retried.length).toBeGreaterThan(50);
    let fellBack = 0;
    for (const attempts of retried) {
      expect(new Set(attempts.map((row) => row.traceId)).size).toBe(1);
      expect(new Set(attempts.map((row) => Math.floor(row.startMs / dayMs))).size).toBe(1);
      expect(attempts.slice(0, -1).every((row) => row.level === 'ERROR')).toBe(true);
      if (new Set(attempts.map((row) => row.model)).size > 1) fellBack++;
    }
    expect(fellBack).toBeGreaterThan(5);
  });

  it('within a trace, 30 seconds after a failure tell a retry from a new request', () => {
    let retries = 0;
    let others = 0;
    for (const members of group((row) => row.traceId).values()) {
      for (const [index, row] of members.entries()) {
        const next = members[index + 1];
        if (!next || row.level !== 'ERROR') continue;
        const gapMs = next.startMs - (row.endMs ?? row.startMs);
        const isRetry = next.truth.requestId === row.truth.requestId;
        expect(isRetry ? gapMs < 25_000 : gapMs > 35_000).toBe(true);
        // Far enough apart not to pass for one call that was logged twice.
        expect(next.startMs - row.startMs).toBeGreaterThan(1500);
        if (isRetry) retries++;
        else others++;
      }
    }
    expect(retries).toBeGreaterThan(50);
    expect(others).toBeGreaterThan(3);
  });

  it('a double is the same call within a second, on the same day', () => {
    const doubles = rows.filter((row) => row.truth.kind === 'double_log');
    for (const double of doubles) {
      const original = generations.find(
        (row) => row.truth.requestId === double.truth.requestId && row.level !== 'ERROR',
      );
      expect(double.startMs - (original?.startMs ?? 0)).toBeLessThan(1000);
      expect(double.usageDetails).toEqual(original?.usageDetails);
      expect(double.traceId).toBe(original?.traceId);
    }
    expect(doubles.length).toBeGreaterThan(10);
  });

  it('a cache hit repeats a response at least a minute later', () => {
    const byResponse = group((row) => /^time-[\d-]+_(.+)$/.exec(row.id)?.[1] ?? row.id);
    const repeated = [...byResponse.values()].filter((members) => members.length > 1);
    expect(repeated.length).toBeGreaterThan(10);
    for (const [first, second] of repeated) {
      expect((second?.startMs ?? 0) - (first?.startMs ?? 0)).toBeGreaterThan(60_000);
      expect(second?.metadata['cache_hit']).toBe(true);
    }
  });
});

function messagesOf(row: SampleObservation): string[] {
  const { messages } = row.input as { messages: unknown[] };
  return messages.map((message) => JSON.stringify(message));
}
