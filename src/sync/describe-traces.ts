/** Describes what the MLflow trace of a Langfuse trace must hold, from the state alone. Writes nothing. */
import { hashPrivacy } from '../redact/privacy.ts';
import { keepsText, type TextMode } from '../redact/text-mode.ts';
import { toRunKey } from '../runs/run-key.ts';
import { toTrace, type TraceCall } from '../runs/to-trace.ts';
import type { Score, TraceAttributes } from '../shared/observation.ts';
import type { Trace } from '../shared/trace.ts';
import { listFacts } from '../store/aggregates.ts';
import { openContents, type StoredContent } from '../store/contents.ts';
import { toResolvedGeneration, type Fact } from '../store/fact.ts';
import type { Ledger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { listTraceScores } from '../store/scores.ts';
import { findTraceAttributes, listDropped, listSpans } from '../store/trace-spans.ts';
import type { DescribedSource } from './described-source.ts';
import {
  protectFact,
  protectGeneration,
  protectScore,
  protectTrace,
  toTextRules,
} from './protect.ts';
import { toTraceUrl } from './report-links.ts';

export interface DescribedTrace {
  readonly trace: Trace;
  /** Window in which it begins. */
  readonly windowFromMs: number;
}

export interface TracePlace {
  readonly state: State;
  readonly ledger: Pick<Ledger, 'get'>;
  readonly source: DescribedSource;
  readonly experimentId: string;
  readonly traces: TextMode;
}

/** Null for a trace that holds no call that counts, or that is not to be written by the settings. */
export function describeTrace(place: TracePlace, traceId: string): DescribedTrace | null {
  const { state, source } = place;
  const { privacy, projectId } = source;
  const facts = listFacts(state, {
    where: 'source = @source AND trace_id = @trace',
    parameters: { source: projectId, trace: traceId },
  });
  const [first] = facts;
  if (first === undefined || !isWanted(place.traces, facts)) return null;
  const attributes = findTraceAttributes(state, { source: projectId, traceId });
  const contents = openContents(state, toTextRules(privacy));
  const sessionId = facts.find((fact) => fact.session_id !== null)?.session_id ?? null;
  const trace = toTrace({
    source: projectId,
    experimentId: place.experimentId,
    traceId,
    calls: facts.map((fact) => toCall(fact, place)),
    observations: listSpans(state, projectId, traceId).map((row) => ({
      id: row.id,
      parentId: row.parent_id,
      type: row.type,
      name: row.name,
      startMs: row.start_ms,
      endMs: row.end_ms,
      isError: row.is_error === 1,
      statusMessage: row.status_message,
    })),
    dropped: new Set(listDropped(state, projectId, traceId)),
    attributes:
      attributes === null ? null : protectTrace(attributes satisfies TraceAttributes, privacy),
    scores: listTraceScores(state, projectId, traceId).map((score): Score =>
      protectScore(score, privacy),
    ),
    url: toTraceUrl(source, traceId),
    runId: sessionId === null ? null : findRunId(place, sessionId),
    textRules: hashPrivacy(privacy),
    readText: (id) => {
      const stored = contents.get({ source: projectId, traceId, id });
      return stored === null ? null : { inputs: toInputs(stored), outputs: stored.output };
    },
  });
  return { trace, windowFromMs: first.window_from_ms };
}

/** Whole sessions are sampled, the same ones of which `SYNC_CONTENT=sampled` keeps texts. */
function isWanted(mode: TextMode, facts: readonly Fact[]): boolean {
  return facts.some((fact) =>
    keepsText(mode, {
      isError: fact.is_error === 1,
      sessionId: fact.session_id,
      traceId: fact.trace_id,
    }),
  );
}

function toCall(stored: Fact, { source }: TracePlace): TraceCall {
  const fact = protectFact(stored, source.privacy);
  return {
    generation: {
      ...protectGeneration(toResolvedGeneration(fact), source.privacy),
      // The trace is of the session whose run it belongs to, as that was kept.
      sessionId: fact.session_id,
      requestId: fact.request_id,
      isFinalAttempt: fact.is_final_attempt === 1,
    },
    contentHash: fact.content_hash,
  };
}

function findRunId(place: TracePlace, subject: string): string | null {
  const key = toRunKey({ source: place.source.projectId, grain: 'session', subject });
  return place.ledger.get(key)?.runId ?? null;
}

function toInputs(stored: StoredContent): unknown {
  if (stored.messages === null) return stored.input;
  const rest = typeof stored.rest === 'object' && stored.rest !== null ? stored.rest : {};
  return { messages: stored.messages.map(({ message }) => message), ...rest };
}
