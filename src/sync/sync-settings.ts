/** What `sync` needs to be told, parsed. */
import type { UnderstandingRules } from '../litellm/generation.ts';
import type { PrivacyRules } from '../redact/privacy.ts';
import type { TextMode } from '../redact/text-mode.ts';
import type { Measures } from '../shared/measures.ts';

export interface SyncSettings {
  readonly windowMs: number;
  readonly settleMs: number;
  readonly lookbackMs: number;
  /** Facts of finished windows are pruned when they are so much older than the watermark; null: never. */
  readonly factsRetentionMs: number | null;
  /** First instant to read on an empty state. */
  readonly startMs: number;
  /** An empty window is compared with the other list of the server, and read again between busy ones. */
  readonly checksEmptiness: boolean;
  /** The run ends after this time; null for no end. */
  readonly maxRuntimeMs: number | null;
  readonly experimentName: string;
  /** Of which calls the text is kept, what is masked in it, and which names are hashed. */
  readonly privacy: PrivacyRules;
  /** One more run per request. */
  readonly requestRuns: boolean;
  /** Which traces are written to MLflow too. */
  readonly traces: TextMode;
  /** Runs written at once to a server. */
  readonly publishConcurrency: number;
  /** What the settings file counts beside the catalogue; the state was opened with it. */
  readonly measures: Measures;
  readonly understanding: Omit<UnderstandingRules, 'nowMs'>;
}
