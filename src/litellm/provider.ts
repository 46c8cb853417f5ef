/** Which provider served a call: LiteLLM's own word for it, from what the row says, most explicit first. */
import { toText } from './coerce.ts';

/** Prefixes that LiteLLM puts before a model name (LiteLLM `LlmProviders`). */
export const providerPrefixes: ReadonlySet<string> = new Set(
  (
    'ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic anthropic_text anyscale azure azure_ai azure_text ' +
    'baseten bedrock bedrock_converse bytez cerebras clarifai cloudflare codestral cohere cohere_chat ' +
    'cometapi compactifai custom custom_openai dashscope databricks datarobot deepgram deepinfra deepseek ' +
    'docker_model_runner elevenlabs empower featherless_ai fireworks_ai friendliai galadriel gemini ' +
    'gigachat github github_copilot gradient_ai groq heroku hosted_vllm huggingface hyperbolic infinity ' +
    'jina_ai lambda_ai lemonade litellm_proxy llamafile lm_studio maritalk meta_llama minimax mistral ' +
    'moonshot morph nebius nlp_cloud novita nscale nvidia_nim oci ollama ollama_chat oobabooga openai ' +
    'openai_like openrouter ovhcloud palm perplexity petals predibase replicate sagemaker ' +
    'sagemaker_chat sambanova snowflake text-completion-codestral text-completion-openai together_ai ' +
    'topaz triton v0 vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage wandb watsonx ' +
    'watsonx_text xai xinference zai'
  ).split(' '),
);

/** OpenTelemetry's names for providers (LiteLLM otel/model/semconv.py) to LiteLLM's. */
const providerBySemanticName: ReadonlyMap<string, string> = new Map([
  ['aws.bedrock', 'bedrock'],
  ['azure.ai.inference', 'azure_ai'],
  ['azure.ai.openai', 'azure'],
  ['gcp.gemini', 'gemini'],
  ['gcp.vertex_ai', 'vertex_ai'],
  ['ibm.watsonx.ai', 'watsonx'],
  ['mistral_ai', 'mistral'],
  ['x_ai', 'xai'],
]);

const providerByHost: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)openai\.azure\.com$/, 'azure'],
  [/(^|\.)cognitiveservices\.azure\.com$/, 'azure'],
  [/(^|\.)api\.openai\.com$/, 'openai'],
  [/(^|\.)api\.anthropic\.com$/, 'anthropic'],
  [/^bedrock-runtime[.-].*amazonaws\.com$/, 'bedrock'],
  [/(^|\.)generativelanguage\.googleapis\.com$/, 'gemini'],
  [/aiplatform\.googleapis\.com$/, 'vertex_ai'],
  [/(^|\.)api\.deepseek\.com$/, 'deepseek'],
  [/(^|\.)api\.mistral\.ai$/, 'mistral'],
  [/(^|\.)api\.groq\.com$/, 'groq'],
  [/(^|\.)api\.x\.ai$/, 'xai'],
  [/(^|\.)api\.together\.(xyz|ai)$/, 'together_ai'],
  [/(^|\.)openrouter\.ai$/, 'openrouter'],
];

/** The model vendors in Bedrock's model ids, `us.anthropic.claude-…`. */
export const bedrockModelId =
  /^(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.(?=.)/;

/** The provider, or null where nothing names it. Never guessed from a bare model name such as `gpt-4o`. */
export function toProvider(row: {
  /** `custom_llm_provider`: LiteLLM's own word, whatever it is. */
  readonly custom: unknown;
  /** Provider of an OpenTelemetry span: believed where it is a provider's name. */
  readonly named: unknown;
  /** Model names of the row, the provider's own first: deployment, raw, … */
  readonly modelNames: readonly (string | null)[];
  readonly apiBase: unknown;
}): string | null {
  const custom = toText(row.custom)?.toLowerCase();
  if (custom !== undefined) return custom;
  const named = toText(row.named)?.toLowerCase() ?? '';
  const known = providerBySemanticName.get(named) ?? named;
  if (providerPrefixes.has(known)) return known;
  for (const name of row.modelNames) {
    const prefix = name?.split('/', 1)[0]?.toLowerCase();
    if (prefix !== undefined && prefix !== name?.toLowerCase() && providerPrefixes.has(prefix))
      return prefix;
  }
  const host = toHost(row.apiBase);
  const byHost =
    host === null ? undefined : providerByHost.find(([pattern]) => pattern.test(host))?.[1];
  if (byHost !== undefined) return byHost;
  return row.modelNames.some((name) => name !== null && bedrockModelId.test(name))
    ? 'bedrock'
    : null;
}

function toHost(apiBase: unknown): string | null {
  const text = toText(apiBase);
  if (text === null) return null;
  const url = text.includes('://') ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase() : null;
}
