/**
 * Sample traffic: two weeks of a team behind a LiteLLM gateway, as Langfuse has it. Pure and seeded;
 * the same options always give the same rows.
 */
import { planSessionStarts } from './calendar.ts';
import { toGeneration, toTimeId, toTraceShare, type TraceShare } from './litellm-lines.ts';
import { createPrng, type Prng } from './prng.ts';
import type { SampleCall } from './sample-call.ts';
import { createScores } from './sample-scores.ts';
import type { SampleObservation, SampleTrace, SampleTraffic } from './sample-types.ts';
import { createSessionCalls } from './sessions.ts';
import { toClineRows, toGuardrailSpan, toProxySpan, toRawSpan } from './side-rows.ts';
import { team, type LiteLlmLine, type SampleMember } from './team.ts';

export interface SampleTrafficOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Default 2026-11-02T00:00Z, a Monday. */
  readonly startMs?: number;
  /** Default 14. */
  readonly days?: number;
  /** Requests on an ordinary working day; the team grows with it. Default 490. */
  readonly requestsPerDay?: number;
  /** `cheap` gives every call the same short text: for benchmarks. Default `full`. */
  readonly content?: 'full' | 'cheap';
  readonly project?: { readonly id: string; readonly name: string };
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
export const sampleStartMs = Date.parse('2026-11-02T00:00:00Z');
export const sampleDays = 14;
const defaultRequestsPerDay = 490;

/** The rows of a whole sample project. */
export function createSampleTraffic(options: SampleTrafficOptions = {}): SampleTraffic {
  const seed = options.seed ?? 1;
  const startMs = options.startMs ?? sampleStartMs;
  const days = options.days ?? sampleDays;
  const endMs = startMs + days * dayMs;
  const prng = createPrng(seed);
  const rows: SampleObservation[] = [];
  const traces = new Map<string, SampleTrace>();
  const intensity = (options.requestsPerDay ?? defaultRequestsPerDay) / defaultRequestsPerDay;
  const copies = Math.max(1, Math.round(intensity / 1.5));

  for (let day = 0; day < days; day++) {
    const dayStartMs = startMs + day * dayMs;
    for (const member of growTeam(copies)) {
      const memberPrng = prng.fork(`${member.userId}/${day}`);
      const line = lineOf(member, { day, days });
      const starts = planSessionStarts(memberPrng, member, {
        startMs: dayStartMs,
        sessionsPerDay: (member.sessionsPerDay * intensity) / copies,
      });
      starts.forEach((sessionStartMs, index) => {
        const sessionPrng = memberPrng.fork(`session/${index}`);
        const calls = createSessionCalls({
          prng: sessionPrng,
          member,
          line,
          startMs: sessionStartMs,
          untilMs: endMs,
          content: options.content ?? 'full',
        });
        writeSession({ prng: sessionPrng.fork('rows'), calls, line, rows, traces });
      });
    }
  }
  const observations = withTraceSessions(rows);
  return {
    project: options.project ?? { id: 'cmsampleproject000000001', name: 'litellm-gateway' },
    seed,
    startMs,
    endMs,
    traces: [...traces.values()],
    observations,
    scores: createScores(prng.fork('scores'), observations, traces),
  };
}

function growTeam(copies: number): SampleMember[] {
  return Array.from({ length: copies }, (_, copy) =>
    copy === 0
      ? team
      : team.map((member) => ({
          ...member,
          userId: `${member.userId}-${copy}`,
          keyAlias: member.keyAlias === null ? null : `${member.keyAlias}-${copy}`,
        })),
  ).flat();
}

/** The main gateway is upgraded from line A to C in the middle. */
function lineOf(
  member: SampleMember,
  at: { readonly day: number; readonly days: number },
): LiteLlmLine {
  switch (member.gateway) {
    case 'old':
      return 'A0';
    case 'eu':
      return 'B';
    case 'data':
      return 'O1';
    case 'main':
      return at.day < at.days / 2 ? 'A' : 'C';
  }
}

function writeSession(session: {
  readonly prng: Prng;
  readonly calls: readonly SampleCall[];
  readonly line: LiteLlmLine;
  readonly rows: SampleObservation[];
  readonly traces: Map<string, SampleTrace>;
}): void {
  const { prng, line, rows, traces } = session;
  const exportsItself =
    session.calls[0]?.member.tool === 'cline_sdk' && session.calls[0].member.userId === 'eng-028';
  const clineSessionId = prng.uuid();
  for (const planned of session.calls) {
    const call = withBrokenClock(prng, planned, line);
    const availableAtMs = arrivalOf(prng, call, line);
    const proxySpanId = line === 'O1' ? prng.hex(16) : null;
    const row = toGeneration(call, line, { prng, availableAtMs, parentId: proxySpanId });
    const written = [...versionsOf(prng, row), ...doubleLogOf(prng, call, row)];
    if (proxySpanId !== null) written.push(toProxySpan(proxySpanId, row), toRawSpan(prng, row));
    else if (prng.chance(0.03)) written.push(toGuardrailSpan(prng, row));
    if (exportsItself) {
      const exported = toClineRows(prng, call, {
        sessionId: clineSessionId,
        availableAtMs: availableAtMs + 1500,
      });
      traces.set(exported.trace.id, exported.trace);
      written.push(...exported.observations);
    }
    rows.push(...written);
    addToTrace(traces, toTraceShare(call, line), row);
  }
}

/** A naive local time after an upgrade: the end lies an hour before the start (BerriAI/litellm#2857). */
function withBrokenClock(prng: Prng, call: SampleCall, line: LiteLlmLine): SampleCall {
  const isBroken = line === 'A0' && call.failure === null && !call.isCacheHit && prng.chance(0.003);
  return isBroken ? { ...call, endMs: call.endMs - hourMs, firstTokenMs: null } : call;
}

/** When a row can be read: some seconds after its end; some hours or days late; a whole afternoon late. */
function arrivalOf(prng: Prng, call: SampleCall, line: LiteLlmLine): number {
  const doneMs = Math.max(call.startMs, call.endMs);
  const seconds = prng.int(3, 25) * 1000 + prng.int(0, 999);
  const end = new Date(doneMs);
  // The second gateway loses its way to Langfuse on Friday afternoons and delivers the next morning.
  if (line === 'B' && end.getUTCDay() === 5 && end.getUTCHours() >= 13 && end.getUTCHours() < 15) {
    return Math.floor(doneMs / dayMs) * dayMs + dayMs + 6 * hourMs + seconds;
  }
  if (prng.chance(0.006)) return doneMs + prng.int(1, 60) * hourMs + seconds;
  return doneMs + seconds;
}

/** Sometimes the row is first seen without its usage, and completed later. */
function versionsOf(prng: Prng, row: SampleObservation): SampleObservation[] {
  if (row.writer !== 'ingestion' || row.level === 'ERROR' || !prng.chance(0.012)) return [row];
  const completedMs = row.availableAtMs + prng.int(20, 400) * 60_000;
  return [
    {
      ...row,
      endMs: null,
      completionStartMs: null,
      usageDetails: {},
      costDetails: {},
      output: null,
      truth: {
        ...row.truth,
        tokens: null,
        costUsd: null,
        latencyMs: null,
        timeToFirstTokenMs: null,
      },
    },
    { ...row, updatedMs: completedMs - 650, availableAtMs: completedMs },
  ];
}

/** LiteLLM's sync and async callbacks both log the call (BerriAI/litellm#7477). */
function doubleLogOf(prng: Prng, call: SampleCall, row: SampleObservation): SampleObservation[] {
  const canDouble = row.writer !== 'otel' && row.level !== 'ERROR' && !call.isCacheHit;
  if (!canDouble || !prng.chance(0.006)) return [];
  const startMs = row.startMs + 3;
  if (Math.floor(startMs / dayMs) !== Math.floor(row.startMs / dayMs)) return [];
  const id = row.writer === 'ingestion' ? toTimeId(call.responseId, startMs, prng) : prng.hex(16);
  return [
    {
      ...row,
      id,
      startMs,
      endMs: row.endMs === null ? null : row.endMs + 3,
      completionStartMs: row.completionStartMs === null ? null : row.completionStartMs + 3,
      createdMs: row.createdMs + 40,
      updatedMs: row.updatedMs + 40,
      availableAtMs: row.availableAtMs + 40,
      truth: { ...row.truth, kind: 'double_log' },
    },
  ];
}

function addToTrace(
  traces: Map<string, SampleTrace>,
  share: TraceShare,
  row: SampleObservation,
): void {
  const known = traces.get(share.id);
  const tags = [...new Set([...(known?.tags ?? []), ...share.tags])];
  traces.set(share.id, {
    id: share.id,
    timestampMs: known?.timestampMs ?? row.startMs,
    name: known?.name ?? share.name,
    userId: share.userId,
    sessionId: share.sessionId,
    tags,
    environment: share.environment,
    release: null,
    version: null,
    metadata: {},
    // The last call of a session overwrites what the trace shows (BerriAI/litellm#40177).
    input: row.input,
    output: row.output,
    createdMs: known?.createdMs ?? row.createdMs,
    updatedMs: Math.max(known?.updatedMs ?? 0, row.updatedMs),
    availableAtMs: Math.min(known?.availableAtMs ?? Number.POSITIVE_INFINITY, row.availableAtMs),
    writer: share.writer,
  });
}

/** A trace that holds several requests is itself a session, where nothing else names one. */
function withTraceSessions(rows: readonly SampleObservation[]): SampleObservation[] {
  const requestsByTrace = new Map<string, Set<string>>();
  for (const row of rows) {
    if (row.truth.requestId === null) continue;
    const requests = requestsByTrace.get(row.traceId) ?? new Set();
    requests.add(row.truth.requestId);
    requestsByTrace.set(row.traceId, requests);
  }
  return rows.map((row) => {
    const isSession =
      row.traceId.startsWith('cline-') || (requestsByTrace.get(row.traceId)?.size ?? 0) >= 2;
    return row.truth.requestId !== null && row.truth.sessionId === null && isSession
      ? { ...row, truth: { ...row.truth, sessionId: row.traceId } }
      : row;
  });
}
