/**
 * The sample project in one canonical form, before any API generation shapes it. Times are epoch
 * milliseconds UTC; content is decoded JSON. A row may exist in several *versions*: entries with the
 * same `(traceId, id)`, each visible from its `availableAtMs` on; the newest visible one is current.
 */

/** What the generator knows about a row, for tests that compare computed numbers with it. */
export interface SampleTruth {
  /** `generation`: a counted attempt. `double_log`: LiteLLM logged the call twice and this is the second. `other`: never counted. */
  readonly kind: 'generation' | 'double_log' | 'other';
  /** The client's request this attempt belongs to; retries and fallbacks share it. */
  readonly requestId: string | null;
  /** Null where unknown (failure, or usage that was never logged). `prompt` is the whole input, cache included. */
  readonly tokens: SampleTokens | null;
  /** Null where unknown. Failures and proxy cache hits are 0. */
  readonly costUsd: number | null;
  /** The session that can be found for the row, or null. */
  readonly sessionId: string | null;
  /** Null for a failure, and where the row's own times cannot be right. */
  readonly latencyMs: number | null;
  /** Time to first token that may be believed: streamed, and before the end. */
  readonly timeToFirstTokenMs: number | null;
}

export interface SampleTokens {
  readonly prompt: number;
  readonly completion: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

export interface SampleObservation {
  readonly id: string;
  readonly traceId: string;
  readonly parentObservationId: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly environment: string;
  readonly version: string | null;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly completionStartMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** The row (this version of it) can be read from this instant on. */
  readonly availableAtMs: number;
  readonly level: string;
  readonly statusMessage: string | null;
  readonly model: string | null;
  readonly modelParameters: Readonly<Record<string, unknown>> | null;
  readonly usageDetails: Readonly<Record<string, number>>;
  readonly costDetails: Readonly<Record<string, number>>;
  readonly promptName: string | null;
  readonly promptVersion: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly input: unknown;
  readonly output: unknown;
  /** Langfuse's own model match, or null: it fills `modelId` and the prices of the answer. */
  readonly matchedModel: MatchedModel | null;
  /** How the row reached Langfuse: through the ingestion API, over OTLP, or over OTLP straight into the v4 table. */
  readonly writer: 'ingestion' | 'otel' | 'otel_direct';
  readonly truth: SampleTruth;
}

export interface MatchedModel {
  readonly id: string;
  readonly inputPrice: number;
  readonly outputPrice: number;
}

export interface SampleTrace {
  readonly id: string;
  readonly timestampMs: number;
  readonly name: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly tags: readonly string[];
  readonly environment: string;
  readonly release: string | null;
  readonly version: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly input: unknown;
  readonly output: unknown;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly availableAtMs: number;
  readonly writer: SampleObservation['writer'];
}

export interface SampleScore {
  readonly id: string;
  readonly name: string;
  readonly dataType: 'NUMERIC' | 'BOOLEAN' | 'CATEGORICAL';
  /** The number of a NUMERIC score, 1 or 0 of a BOOLEAN one, null of a CATEGORICAL one. */
  readonly value: number | null;
  /** The label of a CATEGORICAL score. */
  readonly stringValue: string | null;
  readonly source: 'ANNOTATION' | 'API' | 'EVAL';
  readonly comment: string | null;
  readonly environment: string;
  readonly timestampMs: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly availableAtMs: number;
  readonly traceId: string | null;
  readonly observationId: string | null;
  readonly sessionId: string | null;
}

/** Everything one sample project holds. */
export interface SampleTraffic {
  readonly project: { readonly id: string; readonly name: string };
  readonly seed: number;
  /** Rows start in `[startMs, endMs)`; late rows and scores may become available after `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  readonly traces: readonly SampleTrace[];
  /** Includes older versions of rows that were updated later. */
  readonly observations: readonly SampleObservation[];
  readonly scores: readonly SampleScore[];
}
