import type { ResolvedGeneration } from '../litellm/generation.ts';
import type { Interval } from '../shared/time.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type ArtifactSpec, type RunSpec } from './run-spec.ts';
import { baseTags, knownTags } from './tags.ts';

/**
 * The run of one attempt, with the names that LiteLLM callbacks which write a run per call use (params `model`,
 * `user`, `temperature`, `max_tokens`; metrics `latency_ms`, `prompt_tokens`, …; tags `status`, `error_type`, …).
 * What is unknown is absent: no default temperature, no latency of zero.
 */
export function toRequestRun(request: {
  readonly source: string;
  readonly interval: Interval;
  readonly generation: ResolvedGeneration;
  /** Where Langfuse shows its trace. */
  readonly url: string;
  readonly artifacts: readonly ArtifactSpec[];
}): RunSpec {
  const { source, interval, generation } = request;
  const { tokens } = generation;
  const parentKey =
    generation.sessionId === null
      ? toRunKey({ source, grain: 'window', window: interval })
      : toRunKey({ source, grain: 'session', subject: generation.sessionId });
  const subject = JSON.stringify([generation.traceId, generation.id]);
  const metrics = new Map<string, number>();
  const add = (name: string, value: number | null | undefined): void => {
    if (value !== null && value !== undefined) metrics.set(name, value);
  };
  add('latency_ms', generation.latencyMs);
  add('time_to_first_token_ms', generation.timeToFirstTokenMs);
  add('prompt_tokens', tokens?.promptTokens);
  add('completion_tokens', tokens?.completionTokens);
  add('total_tokens', tokens?.totalTokens);
  add('cache_read_tokens', tokens?.cacheReadTokens);
  add('cache_write_tokens', tokens?.cacheWriteTokens);
  add('uncached_prompt_tokens', tokens?.uncachedPromptTokens);
  add('reasoning_tokens', tokens?.reasoningTokens);
  add('cost_usd', generation.costUsd);
  add('gateway_overhead_ms', generation.gatewayOverheadMs);
  add('tool_calls', generation.toolCalls);
  return toRunSpec({
    grain: 'request',
    key: toRunKey({ source, grain: 'request', subject }),
    parentKey,
    source,
    windowFromMs: interval.fromMs,
    subject,
    name: generation.callId ?? generation.responseId ?? generation.id,
    startMs: generation.startMs,
    endMs: generation.endMs ?? generation.startMs,
    params: {
      source,
      trace_id: generation.traceId,
      observation_id: generation.id,
      ...knownTags({
        model: generation.model,
        user: generation.userId,
        temperature: toParameter(generation, 'temperature'),
        max_tokens: toParameter(generation, 'max_tokens'),
      }),
    },
    tags: {
      ...baseTags({ grain: 'request', source, window: interval, note: '' }),
      ...knownTags({
        status: generation.isError ? 'failure' : 'success',
        error_type: generation.errorClass,
        model_provider: generation.provider,
        model_group: generation.modelGroup,
        model_raw: generation.modelRaw,
        request_id: generation.responseId,
        litellm_call_id: generation.callId,
        session_id: generation.sessionId,
        user_id: generation.userId,
        team_alias: generation.teamAlias,
        api_key_alias: generation.keyAlias,
        client_tool: generation.clientTool,
        cache_hit: generation.isCacheHit ? 'True' : 'False',
        cost_source: generation.costSource,
        environment: generation.environment,
        release: generation.release,
        prompt_name: generation.promptName,
        prompt_version: generation.promptVersion === null ? null : String(generation.promptVersion),
        'langfuse_mlflow.url': request.url,
      }),
    },
    metrics,
    artifacts: request.artifacts,
  });
}

function toParameter(generation: ResolvedGeneration, name: string): string | null {
  const value = generation.parameters[name];
  return value === undefined ? null : String(value);
}
