/** What goes wrong behind the gateway, in LiteLLM's own words. */
import type { Prng } from './prng.ts';
import type { SampleModel } from './sample-models.ts';

export interface SampleFailure {
  readonly message: string;
  readonly latencyMs: number;
  /** What happens next: LiteLLM tries the same model, another model, or gives up. */
  readonly recovery: 'retry' | 'fallback' | 'none';
  /** How often it fails in a row. */
  readonly attempts: number;
  readonly billedUsd: number | null;
}

const providerOf = (model: SampleModel): string => {
  const [prefix = ''] = model.raw.split('/');
  return (
    {
      anthropic: 'AnthropicException',
      bedrock: 'BedrockException',
      openai: 'OpenAIException',
      azure: 'AzureException',
      vertex_ai: 'VertexAIException',
      deepseek: 'DeepseekException',
      hosted_vllm: 'Hosted_vllmException',
    }[prefix] ?? 'OpenAIException'
  );
};

const tail = (model: SampleModel, retried: number): string =>
  ` Received Model Group=${model.group}\nAvailable Model Group Fallbacks=None LiteLLM Retried: ${retried} times, LiteLLM Max Retries: 2`;

/** A failure of a call to `model`, the frequent ones first. */
export function createFailure(prng: Prng, model: SampleModel): SampleFailure {
  const provider = providerOf(model);
  return prng.weighted<() => SampleFailure>([
    [
      46,
      () => ({
        message: `litellm.RateLimitError: RateLimitError: ${provider} - {"error":{"type":"rate_limit_error","message":"This request would exceed the rate limit of your organization."}}.${tail(model, 0)}`,
        latencyMs: prng.int(180, 620),
        ...prng.weighted<Pick<SampleFailure, 'recovery' | 'attempts'>>([
          [6, { recovery: 'retry', attempts: 1 }],
          [3, { recovery: 'retry', attempts: 2 }],
          [1.5, { recovery: 'none', attempts: 3 }],
        ]),
        billedUsd: null,
      }),
    ],
    [
      17,
      () => ({
        message: `litellm.InternalServerError: ${provider} - {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}.${tail(model, 1)}`,
        latencyMs: prng.int(900, 4200),
        recovery: 'fallback',
        attempts: 1,
        billedUsd: null,
      }),
    ],
    [
      13,
      () => ({
        message: `litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=60.0, time taken=60.01 seconds.${tail(model, 0)}`,
        latencyMs: 60_000 + prng.int(3, 90),
        recovery: 'fallback',
        attempts: 1,
        billedUsd: prng.chance(0.3) ? Number((0.002 + prng.next() * 0.02).toFixed(6)) : null,
      }),
    ],
    [
      11,
      () => ({
        message: `litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: ${provider} - prompt is too long: ${prng.int(201_000, 238_000)} tokens > 200000 maximum.${tail(model, 0)}`,
        latencyMs: prng.int(420, 1500),
        recovery: 'none',
        attempts: 1,
        billedUsd: null,
      }),
    ],
    [
      7,
      () => ({
        message: `litellm.AuthenticationError: AuthenticationError: ${provider} - Incorrect API key provided. HTTP status 401.${tail(model, 0)}`,
        latencyMs: prng.int(90, 300),
        recovery: 'none',
        attempts: 1,
        billedUsd: null,
      }),
    ],
    [
      6,
      () => ({
        message: `litellm.ServiceUnavailableError: ServiceUnavailableError: ${provider} - upstream connect error or disconnect/reset before headers. reset reason: connection termination.${tail(model, 2)}`,
        latencyMs: prng.int(200, 900),
        recovery: 'retry',
        attempts: 1,
        billedUsd: null,
      }),
    ],
  ])();
}
