/** What only a whole trace tells of its generations: session, user, tags, client and request. */
import type { TraceAttributes } from '../shared/observation.ts';
import { toClientTool } from './client-tool.ts';
import { toText } from './coerce.ts';
import { findDoubleLogged, identityOf } from './double-logged.ts';
import type { Generation, ResolvedGeneration, SessionSource } from './generation.ts';
import { toUser } from './identity.ts';
import { groupRequests, type RequestPlace } from './request-grouping.ts';
import { byStart } from './trace-order.ts';

export interface TraceOfGenerations {
  /** All generations of one trace, doubles already dropped. Resolved ones may be among them. */
  readonly generations: readonly Generation[];
  /** Null where the trace's attributes are not known (yet). */
  readonly attributes: TraceAttributes | null;
}

/**
 * Resolves the generations of one trace, sorted by start and id. Whatever an earlier resolving took from the
 * trace is dropped and found anew, so resolving again (a late row, a changed trace) gives what resolving once
 * would have. The order of the generations does not matter.
 *
 * Session, first hit wins: session id of the row, of the trace, the row's own hint (requester metadata, header,
 * prompt cache key), a sibling of the trace (langfuse/langfuse#3699), and the trace id where it is Cline's or
 * the trace holds at least two requests (BerriAI/litellm#34226). Null where none fits: no session is invented.
 */
export function resolveTrace(trace: TraceOfGenerations): ResolvedGeneration[] {
  const generations = trace.generations.map(withoutTrace).toSorted(byStart);
  const { attributes } = trace;
  const places = groupRequests(generations);
  const traceSessionId = toText(attributes?.sessionId);
  const traceUserId = toText(attributes?.userId);
  const isSession = isSessionTrace(generations, places);
  const siblings = toSiblingSessions(generations);

  return generations.map((generation, position) => {
    const siblingSessionId = siblings[position] ?? null;
    const tags = [...new Set([...generation.tags, ...(attributes?.tags ?? [])])].toSorted();
    return {
      ...generation,
      ...toSession({ generation, traceSessionId, siblingSessionId, isSession }),
      ...toUser({
        ownUserId: generation.userSource === 'user_id' ? generation.userId : null,
        traceUserId,
        keyOwnerId: generation.keyOwnerId,
      }),
      tags,
      clientTool: toClientTool({ userAgent: generation.metadata['user_agent'], tags }),
      environment: generation.environment ?? attributes?.environment ?? null,
      release: generation.release ?? attributes?.release ?? null,
      version: generation.version ?? attributes?.version ?? null,
      ...toPlace(generation, places),
    };
  });
}

/** The generation as its row alone tells it. */
function withoutTrace(generation: Generation): Generation {
  if (generation.sessionSource === 'session_id') return { ...generation };
  return {
    ...generation,
    sessionId: generation.sessionHint,
    sessionSource: generation.sessionHintSource,
  };
}

function toPlace(
  generation: Generation,
  places: ReadonlyMap<Generation, RequestPlace>,
): RequestPlace {
  const place = places.get(generation);
  if (place === undefined) throw new Error(`generation ${generation.id} was not grouped`);
  return place;
}

function toSession(question: {
  readonly generation: Generation;
  readonly traceSessionId: string | null;
  readonly siblingSessionId: string | null;
  readonly isSession: boolean;
}): { readonly sessionId: string | null; readonly sessionSource: SessionSource | null } {
  const { generation, traceSessionId, siblingSessionId, isSession } = question;
  if (generation.sessionSource === 'session_id') {
    return { sessionId: generation.sessionId, sessionSource: 'session_id' };
  }
  if (traceSessionId !== null)
    return { sessionId: traceSessionId, sessionSource: 'trace_session_id' };
  if (generation.sessionHint !== null) {
    return { sessionId: generation.sessionHint, sessionSource: generation.sessionHintSource };
  }
  if (siblingSessionId !== null)
    return { sessionId: siblingSessionId, sessionSource: 'trace_sibling' };
  if (isSession) return { sessionId: generation.traceId, sessionSource: 'trace_id' };
  return { sessionId: null, sessionSource: null };
}

/** For each position the own session of the nearest earlier sibling that has one, else of the nearest later one. */
function toSiblingSessions(generations: readonly Generation[]): readonly (string | null)[] {
  // Langfuse 2.x has observations without a trace: they are no siblings.
  if (generations[0]?.traceId === '') return [];
  const firstSessionId = generations.find(({ sessionId }) => sessionId !== null)?.sessionId ?? null;
  let nearest = firstSessionId;
  return generations.map(({ sessionId }) => {
    nearest = sessionId ?? nearest;
    return nearest;
  });
}

function isSessionTrace(
  generations: readonly Generation[],
  places: ReadonlyMap<Generation, RequestPlace>,
): boolean {
  const traceId = generations[0]?.traceId ?? '';
  if (traceId === '') return false;
  if (traceId.startsWith('cline-')) return true;
  const doubles = findDoubleLogged(generations);
  const requests = new Set(
    generations
      .filter((generation) => generation.callback !== null && !doubles.has(identityOf(generation)))
      .map((generation) => places.get(generation)?.requestId),
  );
  return requests.size >= 2;
}
