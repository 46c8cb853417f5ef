/** The `metadata` that each LiteLLM callback line writes (langfuse.py, langfuse_sdk.py, langfuse_otel.py). */
import { createHash } from 'node:crypto';
import type { SampleCall } from './sample-call.ts';
import type { LiteLlmLine } from './team.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const keyHashOf = (call: SampleCall): string =>
  sha256(`key/${call.member.keyAlias ?? call.member.userId}`);

const modelIdOf = (call: SampleCall): string => sha256(`model/${call.model.raw}`);

const routeOf = (call: SampleCall): string =>
  ({
    acompletion: '/chat/completions',
    anthropic_messages: '/v1/messages',
    aembedding: '/embeddings',
  })[call.callType];

/** Provider-normalised usage: the only place where reasoning tokens arrive with the `langfuse` callback. */
function usageObjectOf(call: SampleCall): Record<string, unknown> | null {
  const { tokens } = call;
  if (tokens === null || call.usageLogged === 'missing' || call.usageLogged === 'zeros')
    return null;
  const isAnthropic = call.model.caching === 'anthropic';
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
    ...(isAnthropic
      ? {
          cache_creation_input_tokens: tokens.cacheWrite,
          cache_read_input_tokens: tokens.cacheRead,
        }
      : {}),
    prompt_tokens_details: {
      audio_tokens: null,
      cached_tokens: tokens.cacheRead,
      text_tokens: null,
      image_tokens: null,
      ...(isAnthropic ? { cache_creation_tokens: tokens.cacheWrite } : {}),
    },
    completion_tokens_details: {
      accepted_prediction_tokens: null,
      audio_tokens: null,
      reasoning_tokens: tokens.reasoning,
      rejected_prediction_tokens: null,
      text_tokens: null,
    },
  };
}

function hiddenParamsOf(call: SampleCall, costUsd: number | null): Record<string, unknown> {
  return {
    model_id: modelIdOf(call),
    cache_key: call.isCacheHit ? sha256(`cache/${call.responseId}`) : null,
    api_base: null,
    response_cost: costUsd,
    litellm_overhead_time_ms: call.overheadMs,
    additional_headers: {},
    batch_models: null,
    litellm_model_name:
      call.failure !== null || call.isModelLost
        ? null
        : call.model.raw.replace(/^(openai|anthropic|hosted_vllm)\//, ''),
    usage_object: usageObjectOf(call),
  };
}

function keyFieldsOf(call: SampleCall): Record<string, unknown> {
  const { member } = call;
  return {
    user_api_key_hash: keyHashOf(call),
    user_api_key_alias: member.keyAlias,
    user_api_key_team_id: member.teamId,
    user_api_key_team_alias: member.teamAlias,
    user_api_key_user_id: member.userId,
    user_api_key_org_id: null,
    user_api_key_end_user_id: member.tool === 'notebook' ? member.userId : null,
    user_api_key_user_email: null,
    user_api_key_request_route: routeOf(call),
  };
}

/** What the client put into the body's `metadata`. */
function requesterMetadataOf(call: SampleCall): Record<string, unknown> {
  switch (call.hint.kind) {
    case 'metadata':
      return { session_id: call.hint.id };
    case 'task_metadata':
      return { cline_task_id: call.hint.id };
    default:
      return {};
  }
}

/** The client's own `x-*` headers, logged by lines B and C. */
function requesterHeadersOf(call: SampleCall): Record<string, unknown> {
  switch (call.hint.kind) {
    case 'header':
      return { [call.hint.header]: call.hint.id };
    case 'plain_header':
      return { 'x-session-id': call.hint.id, 'x-session-affinity': call.hint.id };
    default:
      return {};
  }
}

/** Metadata of a call; `costUsd` is LiteLLM's `response_cost`. */
export function toMetadata(
  call: SampleCall,
  line: LiteLlmLine,
  costUsd: number | null,
): Record<string, unknown> {
  if (line === 'O1') return otelMetadata(call);
  if (line === 'B' || line === 'C') return allowListedMetadata(call, line, costUsd);
  // Before BerriAI/litellm#23259 the Anthropic route lost the key and the team.
  const hasKey = line === 'A' || call.callType !== 'anthropic_messages';
  return {
    ...(hasKey
      ? {
          user_api_key: keyHashOf(call),
          ...keyFieldsOf(call),
          user_api_key_spend: 41.25,
          user_api_key_max_budget: 250,
        }
      : {}),
    litellm_api_version: line === 'A0' ? '1.72.6' : '1.80.11',
    global_max_parallel_requests: null,
    model_group: call.model.group,
    model_group_size: 1,
    deployment: call.model.raw,
    model_info: {
      id: modelIdOf(call),
      ...(call.model.baseModel === null ? {} : { base_model: call.model.baseModel }),
      db_model: false,
    },
    requester_metadata: requesterMetadataOf(call),
    litellm_response_cost: costUsd,
    cache_hit: call.isCacheHit,
    hidden_params: hiddenParamsOf(call, costUsd),
  };
}

function allowListedMetadata(
  call: SampleCall,
  line: LiteLlmLine,
  costUsd: number | null,
): Record<string, unknown> {
  return {
    resourceAttributes: {
      'langfuse.environment': 'production',
      'telemetry.sdk.language': 'python',
      'telemetry.sdk.name': 'opentelemetry',
    },
    scope: {
      name: 'langfuse-sdk',
      version: line === 'B' ? '4.7.0' : '4.15.2',
      attributes: {},
    },
    ...keyFieldsOf(call),
    requester_ip_address: null,
    user_agent: call.member.userAgent,
    requester_custom_headers: requesterHeadersOf(call),
    requester_metadata: requesterMetadataOf(call),
    spend_logs_metadata: null,
    applied_guardrails: [],
    usage_object: usageObjectOf(call),
    litellm_call_id: call.callId,
    response_id: call.failure === null ? call.responseId : null,
    litellm_response_cost: costUsd,
    cache_hit: call.isCacheHit,
    ...(call.model.raw.startsWith('bedrock/') ? { aws_region_name: 'us-east-1' } : {}),
    ...(call.model.raw.startsWith('vertex_ai/') ? { vertex_location: 'europe-west4' } : {}),
    hidden_params: hiddenParamsOf(call, costUsd),
  };
}

function otelMetadata(call: SampleCall): Record<string, unknown> {
  return {
    attributes: {
      'gen_ai.system': call.model.raw.split('/')[0],
      'gen_ai.request.model': call.model.raw,
      'llm.request.type': call.callType,
      'llm.is_streaming': call.isStreaming ? 'True' : 'False',
      'metadata.user_api_key_alias': call.member.keyAlias,
      'metadata.user_api_key_team_alias': call.member.teamAlias,
    },
    resourceAttributes: {
      'service.name': 'litellm',
      'deployment.environment': 'production',
      'telemetry.sdk.language': 'python',
    },
    scope: { name: 'litellm', attributes: {} },
  };
}
