/** What `sync` needs to be told, parsed. */
import type { UnderstandingRules } from '../litellm/generation.ts';

export interface SyncSettings {
  readonly windowMs: number;
  readonly settleMs: number;
  readonly lookbackMs: number;
  /** First instant to read on an empty state. */
  readonly startMs: number;
  readonly experimentName: string;
  readonly content: 'all' | 'off';
  /** One more run per request. */
  readonly requestRuns: boolean;
  /** Runs written at once to a server. */
  readonly publishConcurrency: number;
  readonly understanding: Omit<UnderstandingRules, 'nowMs'>;
}
