/** How a session's prompts grow, and how much of each comes from the provider's prompt cache. */
import type { Prng } from './prng.ts';
import type { SampleModel } from './sample-models.ts';
import type { SampleTokens } from './sample-types.ts';
import type { ClientTool } from './team.ts';

export interface TokenMeter {
  /** Tokens of the next request, started at `startMs`. */
  next(startMs: number): { readonly tokens: SampleTokens };
  /** True when the history fills the context window. */
  isFull(): boolean;
  condense(): void;
}

/** Tokens of an agent's own prompt and tools, before any history. */
const baseTokens: Partial<Record<ClientTool, number>> = {
  cline_legacy: 11_500,
  cline_317: 10_200,
  cline_sdk: 12_500,
  claude_code: 16_000,
  roo: 9_800,
  opencode: 8_600,
};

const cacheLifetimeMs = 300_000;

/** A meter for one conversation with one model. */
export function createTokenMeter(
  prng: Prng,
  session: { readonly model: SampleModel; readonly tool: ClientTool },
): TokenMeter {
  const { model } = session;
  const base = baseTokens[session.tool] ?? 2000;
  let history = prng.int(400, 3500);
  let cached = 0;
  let lastStartMs = Number.NEGATIVE_INFINITY;

  return {
    isFull: () => base + history > 120_000,
    condense() {
      history = prng.int(2500, 5200);
      cached = Math.min(cached, base);
    },
    next(startMs) {
      history += Math.round(prng.skewed(1100, 0.7));
      const prompt = base + history;
      const isWarm = startMs - lastStartMs < cacheLifetimeMs;
      lastStartMs = startMs;
      let cacheRead = 0;
      let cacheWrite = 0;
      if (model.caching === 'anthropic') {
        const uncached = prng.int(3, 14);
        cacheRead = isWarm ? Math.min(cached, prompt - uncached) : 0;
        cacheWrite = prompt - uncached - cacheRead;
        cached = prompt - uncached;
      } else if (model.caching === 'automatic') {
        cacheRead = isWarm && prng.chance(0.85) ? Math.floor(cached / 128) * 128 : 0;
        cached = prompt;
      }
      const reasoning = model.reasons ? Math.round(prng.skewed(320, 0.8)) : 0;
      const spoken = Math.min(6000, Math.max(20, Math.round(prng.skewed(190, 0.85))));
      return {
        tokens: { prompt, completion: spoken + reasoning, cacheRead, cacheWrite, reasoning },
      };
    },
  };
}
