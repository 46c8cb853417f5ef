/**
 * Traces of the legacy API by id, kept for the slices that need the same ones: a trace may begin long before the
 * slice in which its observations start (one LiteLLM session can be one trace).
 */
import pLimit from 'p-limit';
import type { TraceAttributes } from '../shared/observation.ts';
import type { UnreadableRow } from '../sync/ports.ts';
import { toModeChanged } from './page-answer.ts';
import type { ReaderContext } from './reader-context.ts';
import { toTraceAttributes } from './to-trace-attributes.ts';
import { toUnreadable } from './to-unreadable.ts';
import { renderZodError, traceSchema } from './wire-schemas.ts';

export const traceName = 'GET /api/public/traces/{id}';

/** `missing`: the trace was deleted, or an observation was sent without one. */
export type FoundTrace =
  | { readonly kind: 'trace'; readonly trace: TraceAttributes }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly row: UnreadableRow };

export interface TraceLookup {
  /** Remembers a trace that a list gave. */
  remember(trace: TraceAttributes): void;
  /** From memory, else from Langfuse, asked once for each id. */
  find(traceId: string, signal: AbortSignal): Promise<FoundTrace>;
}

const defaultCapacity = 10_000;

export function createTraceLookup(context: ReaderContext, capacity = defaultCapacity): TraceLookup {
  const limit = pLimit(context.concurrency);
  // A Map keeps the order of insertion: the first key is the one unused for longest.
  const known = new Map<string, Promise<FoundTrace>>();

  function keep(traceId: string, found: Promise<FoundTrace>): void {
    known.delete(traceId);
    known.set(traceId, found);
    if (known.size > capacity) {
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
    }
  }

  return {
    remember(trace) {
      keep(trace.traceId, Promise.resolve({ kind: 'trace', trace }));
    },
    async find(traceId, signal) {
      const found = known.get(traceId) ?? limit(() => fetchTrace(context, { traceId, signal }));
      keep(traceId, found);
      try {
        return await found;
      } catch (error) {
        known.delete(traceId);
        throw error;
      }
    },
  };
}

async function fetchTrace(
  context: ReaderContext,
  { traceId, signal }: { readonly traceId: string; readonly signal: AbortSignal },
): Promise<FoundTrace> {
  const outcome = await context.gate.ask({
    name: traceName,
    bucket: 'public-api-legacy',
    signal,
    send: (attempt) => context.api.trace(traceId, attempt),
  });
  const unread = (reason: string): FoundTrace => ({
    kind: 'unreadable',
    row: {
      traceId,
      id: null,
      startMs: null,
      reason: `the trace can't be read, so its observations have no session, user and tags: ${reason}`,
      raw: null,
    },
  });
  switch (outcome.kind) {
    case 'absent':
      if (outcome.status === 404 && /not found/i.test(outcome.reason)) return { kind: 'missing' };
      // A page for people: a proxy did not like the id. Langfuse's own JSON: its mode was changed.
      if (outcome.isHtml) return unread(outcome.reason);
      throw toModeChanged({ name: traceName, reason: outcome.reason });
    case 'limited':
    case 'too_large':
      return unread(outcome.reason);
    case 'answer': {
      const parsed = traceSchema.safeParse(outcome.body);
      if (parsed.success) return { kind: 'trace', trace: toTraceAttributes(parsed.data) };
      const reason = `the trace is not understood: ${renderZodError(parsed.error)}`;
      return {
        kind: 'unreadable',
        row: { ...toUnreadable(outcome.body, reason), traceId, id: null },
      };
    }
  }
}
