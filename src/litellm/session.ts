/**
 * What one row says of its session. Agents name it in many ways, and LiteLLM passes on few of them as the
 * session id of Langfuse (BerriAI/litellm#34226, #11088; cline/cline#4998; anomalyco/opencode#39912).
 */
import type { Observation } from '../shared/observation.ts';
import { own, toText } from './coerce.ts';
import type { SessionHintSource } from './generation.ts';
import type { RowMetadata } from './row-metadata.ts';

export interface OwnSession {
  readonly sessionId: string | null;
  readonly sessionHint: string | null;
  readonly sessionHintSource: SessionHintSource | null;
}

const requesterKeys = ['session_id', 'litellm_session_id', 'cline_task_id', 'task_id'] as const;

/** The session id of the row, and beside it the best hint below that rank. */
export function toOwnSession(observation: Observation, metadata: RowMetadata): OwnSession {
  const sessionId =
    toText(observation.sessionId) ??
    toText(metadata.attribute('langfuse.session.id', 'session.id', 'gen_ai.conversation.id'));
  const hints: readonly (readonly [SessionHintSource, string | null])[] = [
    ['requester_metadata', fromRequesterMetadata(metadata.requesterMetadata)],
    ['requester_header', fromRequesterHeaders(metadata.requesterHeaders)],
    ['prompt_cache_key', toText(own(observation.modelParameters, 'prompt_cache_key'))],
  ];
  const found = hints.find(([, hint]) => hint !== null);
  return { sessionId, sessionHint: found?.[1] ?? null, sessionHintSource: found?.[0] ?? null };
}

function fromRequesterMetadata(requester: Readonly<Record<string, unknown>> | null): string | null {
  for (const key of requesterKeys) {
    const session = toText(own(requester, key));
    if (session !== null) return session;
  }
  // Claude Code before its session header: `user_<hash>_account_<id>_session_<uuid>`.
  return /_session_([0-9a-f-]{36})$/i.exec(toText(own(requester, 'user_id')) ?? '')?.[1] ?? null;
}

function fromRequesterHeaders(headers: Readonly<Record<string, unknown>> | null): string | null {
  if (headers === null) return null;
  const byName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), toText(value)] as const),
  );
  const vendorNames = [...byName.keys()]
    .filter((name) => /^x-.+-session-id$/.test(name))
    .toSorted();
  for (const name of [
    'x-litellm-session-id',
    ...vendorNames,
    'x-session-id',
    'x-session-affinity',
  ]) {
    const session = byName.get(name) ?? null;
    if (session !== null) return session;
  }
  return null;
}
