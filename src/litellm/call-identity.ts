/**
 * Ids that name a call wherever its rows land; the caller's trace id does not (BerriAI/litellm#31378, #13884).
 * A trace id is never taken for a call id: nothing in a row tells a call's own trace from a caller's UUID.
 */
import type { Observation } from '../shared/observation.ts';
import { own, toText } from './coerce.ts';
import { loggingId } from './origin.ts';
import type { RowMetadata } from './row-metadata.ts';

export interface CallIdentity {
  readonly callId: string | null;
  readonly responseId: string | null;
  readonly callType: string | null;
}

export function toCallIdentity(observation: Observation, metadata: RowMetadata): CallIdentity {
  return {
    callId:
      toText(metadata.get('litellm_call_id')) ??
      toText(own(metadata.hiddenParams, 'litellm_call_id')) ??
      toText(metadata.attribute('litellm.call_id', 'litellm_call_id', 'langfuse.observation.id')),
    responseId:
      toText(metadata.get('response_id')) ??
      toText(loggingId.exec(observation.id)?.[1]) ??
      toText(metadata.attribute('gen_ai.response.id', 'llm.response.id')),
    callType:
      toText(/^litellm-([a-z_]+)$/.exec(observation.name ?? '')?.[1]) ??
      toText(metadata.attribute('litellm.call_type', 'llm.request.type')),
  };
}
