/**
 * Whose call it was: virtual key, its team and owner, and the end user. Read, never guessed: a row without
 * key data stays without (BerriAI/litellm#23259), and LiteLLM's user id is the end user, not the owner of
 * the key (BerriAI/litellm#21338).
 */
import type { Observation } from '../shared/observation.ts';
import { toText } from './coerce.ts';
import type { UserSource } from './generation.ts';
import type { RowMetadata } from './row-metadata.ts';

export interface Identity {
  readonly userId: string | null;
  readonly userSource: UserSource | null;
  readonly keyOwnerId: string | null;
  readonly keyHash: string | null;
  readonly keyAlias: string | null;
  readonly teamId: string | null;
  readonly teamAlias: string | null;
}

export function toIdentity(observation: Observation, metadata: RowMetadata): Identity {
  const text = (key: string): string | null => toText(metadata.get(key));
  const endUserId = toText(observation.userId) ?? text('user_api_key_end_user_id');
  const keyOwnerId = text('user_api_key_user_id');
  return {
    ...toUser({ ownUserId: endUserId, traceUserId: null, keyOwnerId }),
    keyOwnerId,
    keyHash:
      text('user_api_key_hash') ??
      toHash(text('user_api_key')) ??
      toText(metadata.attribute('litellm.api_key.hash')),
    // Without metadata the alias is still in the name (langfuse/langfuse#6536).
    keyAlias:
      text('user_api_key_alias') ?? toText(/^litellm:(.+)$/.exec(observation.name ?? '')?.[1]),
    teamId:
      text('user_api_key_team_id') ??
      text('team_id') ??
      toText(metadata.attribute('litellm.team.id')),
    teamAlias:
      text('user_api_key_team_alias') ??
      text('team_alias') ??
      toText(metadata.attribute('litellm.team.alias')),
  };
}

/** `user_api_key` holds the hash too; a key itself, should a build ever leave it there, is not kept. */
function toHash(key: string | null): string | null {
  return key === null || key.startsWith('sk-') ? null : key;
}

/** The user and where it is from: the row's end user, the trace's, else the owner of the key. */
export function toUser(known: {
  readonly ownUserId: string | null;
  readonly traceUserId: string | null;
  readonly keyOwnerId: string | null;
}): Pick<Identity, 'userId' | 'userSource'> {
  if (known.ownUserId !== null) return { userId: known.ownUserId, userSource: 'user_id' };
  if (known.traceUserId !== null) return { userId: known.traceUserId, userSource: 'trace_user_id' };
  if (known.keyOwnerId !== null) return { userId: known.keyOwnerId, userSource: 'key_owner' };
  return { userId: null, userSource: null };
}
