/** The models behind the sample gateway: LiteLLM's prices, and Langfuse's own match where it has one. */
import type { MatchedModel } from './sample-types.ts';

export interface SampleModel {
  /** Key in {@link models}. */
  readonly key: string;
  /** The `model` of an observation. */
  readonly raw: string;
  /**
   * LiteLLM's `model_group`: the public name that clients ask for. Newer callback lines do not log it, so it
   * is the provider's own name here, as most teams have it; only the Azure deployment hides behind another.
   */
  readonly group: string;
  readonly baseModel: string | null;
  /** LiteLLM's price in USD per token; null where LiteLLM knows none. */
  readonly price: TokenPrice | null;
  readonly matched: MatchedModel | null;
  /** Who sets cache breakpoints: the client (Anthropic), the provider by itself (OpenAI, Gemini), or nobody. */
  readonly caching: 'anthropic' | 'automatic' | 'none';
  readonly reasons: boolean;
  readonly outputTokensPerSecond: number;
  readonly firstTokenMs: number;
}

export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

const perMillion = (
  input: number,
  output: number,
  cache: { readonly read?: number; readonly write?: number } = {},
): TokenPrice => ({
  input: input / 1e6,
  output: output / 1e6,
  cacheRead: (cache.read ?? input) / 1e6,
  cacheWrite: (cache.write ?? input) / 1e6,
});

const sonnetPrice = perMillion(3, 15, { read: 0.3, write: 3.75 });

const none = { baseModel: null, matched: null, reasons: false } as const;

export const models = {
  sonnet: {
    ...none,
    key: 'sonnet',
    raw: 'anthropic/claude-sonnet-4-5-20250929',
    group: 'claude-sonnet-4-5-20250929',
    price: sonnetPrice,
    matched: { id: 'c5qmrqolku82tra3vgdixmys', inputPrice: 3e-6, outputPrice: 1.5e-5 },
    caching: 'anthropic',
    outputTokensPerSecond: 62,
    firstTokenMs: 1900,
  },
  sonnetBedrock: {
    ...none,
    key: 'sonnetBedrock',
    raw: 'bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    group: 'claude-sonnet-4-5-20250929',
    price: sonnetPrice,
    caching: 'anthropic',
    outputTokensPerSecond: 54,
    firstTokenMs: 2300,
  },
  haiku: {
    ...none,
    key: 'haiku',
    raw: 'anthropic/claude-haiku-4-5-20251001',
    group: 'claude-haiku-4-5-20251001',
    price: perMillion(1, 5, { read: 0.1, write: 1.25 }),
    matched: { id: 'cmgg9zco3000004l258um9xk8', inputPrice: 1e-6, outputPrice: 5e-6 },
    caching: 'anthropic',
    outputTokensPerSecond: 125,
    firstTokenMs: 820,
  },
  gpt5Mini: {
    ...none,
    key: 'gpt5Mini',
    raw: 'openai/gpt-5-mini',
    group: 'gpt-5-mini',
    price: perMillion(0.25, 2, { read: 0.025 }),
    matched: {
      id: '3d6a975a-a42d-4ea2-a3ec-4ae567d5a364',
      inputPrice: 2.5e-7,
      outputPrice: 2e-6,
    },
    caching: 'automatic',
    reasons: true,
    outputTokensPerSecond: 88,
    firstTokenMs: 1450,
  },
  gpt4oMini: {
    ...none,
    key: 'gpt4oMini',
    raw: 'openai/gpt-4o-mini',
    group: 'gpt-4o-mini',
    price: perMillion(0.15, 0.6, { read: 0.075 }),
    matched: { id: 'clyrjp56f0000t0mzapoocd7u', inputPrice: 1.5e-7, outputPrice: 6e-7 },
    caching: 'none',
    outputTokensPerSecond: 74,
    firstTokenMs: 520,
  },
  o4Mini: {
    ...none,
    key: 'o4Mini',
    raw: 'azure/corp-reasoner-east',
    group: 'o4-mini',
    baseModel: 'azure/o4-mini',
    price: perMillion(1.1, 4.4, { read: 0.275 }),
    caching: 'none',
    reasons: true,
    outputTokensPerSecond: 96,
    firstTokenMs: 6200,
  },
  gemini: {
    ...none,
    key: 'gemini',
    raw: 'vertex_ai/gemini-2.5-pro',
    group: 'gemini-2.5-pro',
    price: perMillion(1.25, 10, { read: 0.31 }),
    caching: 'automatic',
    reasons: true,
    outputTokensPerSecond: 82,
    firstTokenMs: 2700,
  },
  deepseek: {
    ...none,
    key: 'deepseek',
    raw: 'deepseek/deepseek-reasoner',
    group: 'deepseek-reasoner',
    price: perMillion(0.55, 2.19),
    caching: 'none',
    reasons: true,
    outputTokensPerSecond: 48,
    firstTokenMs: 3400,
  },
  qwen: {
    ...none,
    key: 'qwen',
    raw: 'hosted_vllm/qwen3-coder-30b',
    group: 'qwen3-coder-30b',
    price: null,
    caching: 'none',
    outputTokensPerSecond: 41,
    firstTokenMs: 640,
  },
  embedding: {
    ...none,
    key: 'embedding',
    raw: 'openai/text-embedding-3-small',
    group: 'text-embedding-3-small',
    price: perMillion(0.02, 0),
    caching: 'none',
    outputTokensPerSecond: 1,
    firstTokenMs: 120,
  },
} as const satisfies Record<string, SampleModel>;

export type ModelKey = keyof typeof models;

export const sampleModels: readonly SampleModel[] = Object.values(models);

export const modelOf = (key: ModelKey): SampleModel => models[key];
