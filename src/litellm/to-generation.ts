/** One Langfuse observation, understood. The rules and their sources are in docs/litellm.md. */
import type { Observation } from '../shared/observation.ts';
import { toCallIdentity } from './call-identity.ts';
import { toCanonicalModel, type ModelNames } from './canonical-model.ts';
import { toClientTool, toUserAgent } from './client-tool.ts';
import { own, toBoolean, toText } from './coerce.ts';
import { maxStatusMessageLength, withContent } from './content.ts';
import { toCost } from './cost.ts';
import { toFailure, toGroupInErrorText } from './failure.ts';
import type { Generation, Understanding, UnderstandingRules } from './generation.ts';
import { toIdentity } from './identity.ts';
import { toKeptMetadata, toParameters } from './kept-fields.ts';
import { toCallback, toNotCountedReason } from './origin.ts';
import { toProvider } from './provider.ts';
import { toRowMetadata, type RowMetadata } from './row-metadata.ts';
import { toOwnSession } from './session.ts';
import { toTiming } from './timing.ts';
import { toUsage } from './tokens.ts';

/**
 * Understands one observation by `rules`. Pure, and total: whatever the metadata holds, the answer is a
 * generation or the reason why the row is none. Where the row carries its content, that is applied too.
 */
export function toGeneration(observation: Observation, rules: UnderstandingRules): Understanding {
  const metadata = toRowMetadata(observation.metadata);
  const callback = toCallback(observation, metadata);
  const reason = toNotCountedReason({ observation, callback, rules });
  if (reason !== null) return { kind: 'not_counted', reason };

  const isError = observation.level === 'ERROR';
  const isCacheHit = toBoolean(metadata.get('cache_hit')) === true;
  const statusMessage = toText(observation.statusMessage);
  const failure = isError ? toFailure(statusMessage, metadata) : null;
  const names = toModelNames({ observation, metadata, errorText: isError ? statusMessage : null });
  const session = toOwnSession(observation, metadata);
  const userAgent = toUserAgent(metadata);
  const tags = [...new Set(observation.tags)].toSorted();

  const generation: Generation = {
    traceId: observation.traceId,
    id: observation.id,
    startMs: observation.startMs,
    endMs: observation.endMs,
    updatedMs: observation.updatedMs,
    ...toTiming({ observation, metadata, rules }),
    isError,
    errorClass: failure?.errorClass ?? null,
    httpStatus: failure?.httpStatus ?? null,
    statusMessage: statusMessage?.slice(0, maxStatusMessageLength) ?? null,
    name: observation.name,
    callback,
    ...toCallIdentity(observation, metadata),
    model: toCanonicalModel(names, rules.modelAliases),
    modelRaw: names.raw,
    modelGroup: names.group,
    provider: toProvider({
      custom: metadata.get('custom_llm_provider'),
      named:
        metadata.get('provider') ??
        metadata.attribute('gen_ai.provider.name', 'gen_ai.system', 'llm.provider'),
      modelNames: [names.deployment, names.raw, names.litellmName, names.baseModel],
      apiBase: metadata.get('api_base') ?? own(metadata.hiddenParams, 'api_base'),
    }),
    environment: observation.environment,
    release: observation.release,
    version: observation.version,
    promptName: observation.promptName,
    promptVersion: observation.promptVersion,
    sessionId: session.sessionId ?? session.sessionHint,
    sessionSource: session.sessionId === null ? session.sessionHintSource : 'session_id',
    sessionHint: session.sessionHint,
    sessionHintSource: session.sessionHintSource,
    ...toIdentity(observation, metadata),
    clientTool: toClientTool({ userAgent, tags }),
    tags,
    isCacheHit,
    ...toUsage({
      usageDetails: observation.usageDetails,
      usageObject: metadata.usageObject,
      isError,
    }),
    ...toCost({
      costDetails: observation.costDetails,
      usageDetails: observation.usageDetails,
      calculatedTotalCostUsd: observation.calculatedTotalCostUsd,
      metadata,
      isError,
      isCacheHit,
    }),
    toolCalls: null,
    parameters: toParameters(observation.modelParameters),
    metadata: toKeptMetadata(metadata, { user_agent: userAgent }),
  };
  return {
    kind: 'generation',
    generation:
      observation.content === undefined ? generation : withContent(generation, observation.content),
  };
}

function toModelNames(row: {
  readonly observation: Observation;
  readonly metadata: RowMetadata;
  readonly errorText: string | null;
}): ModelNames {
  const { metadata } = row;
  const names = {
    raw: toText(row.observation.model),
    group: toText(metadata.get('model_group')),
    deployment:
      toText(metadata.get('deployment')) ?? toText(metadata.attribute('litellm.provider.model')),
    baseModel: toText(own(metadata.modelInfo, 'base_model')),
    litellmName: toText(own(metadata.hiddenParams, 'litellm_model_name')),
  };
  // Where successes carry no group, a failure must not be told apart by the one in its text: it would count
  // against another model than the attempts that went well.
  const isNameless = Object.values(names).every((name) => name === null);
  return isNameless ? { ...names, group: toGroupInErrorText(row.errorText) } : names;
}
