/**
 * Which observations are LLM calls, and who wrote them. LiteLLM's `langfuse` callback leaves `hidden_params`
 * and `litellm_response_cost` in the metadata; `langfuse_otel` is known by its scope or service name. Rows
 * that lost their metadata (langfuse/langfuse#6536) are still known by their id or name.
 */
import { isSyntheticRoot, type Observation } from '../shared/observation.ts';
import type { LiteLLMCallback, NotCountedReason, UnderstandingRules } from './generation.ts';
import type { RowMetadata } from './row-metadata.ts';

const generationTypes = new Set(['GENERATION', 'EMBEDDING']);

/** `get_logging_id` of LiteLLM: time of the call and id of its response. */
export const loggingId = /^time-\d{2}-\d{2}-\d{2}-\d{6}_(.+)$/;

/** The span of the provider's raw body that `langfuse_otel` writes beside the call's own. */
const rawProviderSpan = 'raw_gen_ai_request';

/** Which LiteLLM callback wrote the row, or null where nothing says that LiteLLM did. */
export function toCallback(
  observation: Observation,
  metadata: RowMetadata,
): LiteLLMCallback | null {
  if (metadata.hasOwn('hidden_params') || metadata.hasOwn('litellm_response_cost'))
    return 'langfuse';
  if (metadata.scopeName === 'litellm' || metadata.serviceName === 'litellm')
    return 'langfuse_otel';
  // Another service's span may bear any name. The Langfuse SDK's own provider names no service.
  if (metadata.serviceName !== null && !metadata.serviceName.startsWith('unknown_service'))
    return null;
  const name = observation.name ?? '';
  const isNamedByLiteLLM = name.startsWith('litellm:') || /^litellm-[a-z_]+$/.test(name);
  return loggingId.test(observation.id) || isNamedByLiteLLM ? 'langfuse' : null;
}

/** Why the observation is not a generation, or null where it is one. */
export function toNotCountedReason(question: {
  readonly observation: Observation;
  readonly callback: LiteLLMCallback | null;
  readonly rules: UnderstandingRules;
}): NotCountedReason | null {
  const { observation, callback, rules } = question;
  if (isSyntheticRoot(observation)) return 'synthetic_root';
  if (!generationTypes.has(observation.type)) return 'not_a_generation';

  const hasUsage = Object.values(observation.usageDetails).some((count) => count > 0);
  if (observation.name === rawProviderSpan && callback === 'langfuse_otel' && !hasUsage) {
    return 'not_a_generation';
  }
  if (callback === null && rules.origin === 'litellm') return 'other_origin';

  if (observation.model !== null || hasUsage) return null;
  // The `langfuse` callback writes exactly one generation per call: even one without a model is a call
  // (BerriAI/litellm#12933). OpenTelemetry writes other spans too, where only a failure may lack both.
  const isCallWithoutModel =
    callback === 'langfuse' || (callback === 'langfuse_otel' && observation.level === 'ERROR');
  return isCallWithoutModel ? null : 'no_model_no_usage';
}
