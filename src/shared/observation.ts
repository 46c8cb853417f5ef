/**
 * What a Langfuse project holds, normalised over both API generations. These types are the only ones
 * that leave the `langfuse` room: wire names, strings for numbers and `""` for missing stay behind it.
 *
 * All times are epoch milliseconds UTC. "Missing" is always `null`, never `""`, `0` or `{}`-as-zero.
 */

/** One observation (a LiteLLM call is an observation of type GENERATION). Unique by `(traceId, id)`. */
export interface Observation {
  readonly id: string;
  /** `''` only where Langfuse 2.x has an observation without a trace. */
  readonly traceId: string;
  readonly projectId: string | null;
  readonly parentObservationId: string | null;
  /** An open enum: GENERATION, SPAN, EVENT, EMBEDDING, TOOL, AGENT, … */
  readonly type: string;
  readonly name: string | null;
  readonly environment: string | null;
  readonly release: string | null;
  readonly version: string | null;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly completionStartMs: number | null;
  readonly createdMs: number | null;
  readonly updatedMs: number | null;
  /** DEFAULT, DEBUG, WARNING or ERROR. */
  readonly level: string;
  readonly statusMessage: string | null;
  /** As LiteLLM or another client sent it. */
  readonly model: string | null;
  /** An object where the wire value was one (or JSON of one), else null. */
  readonly modelParameters: Readonly<Record<string, unknown>> | null;
  /** Tokens by usage key as stored, e.g. `input`, `output`, `total`, `cache_read_input_tokens`. `{}` means unknown. */
  readonly usageDetails: Readonly<Record<string, number>>;
  /** USD by usage key as stored. Exactly `{total}` when a client gave it; `{}` means unknown. */
  readonly costDetails: Readonly<Record<string, number>>;
  /**
   * Langfuse 2.x only, which has no `costDetails`: `calculatedTotalCost` where it is not null.
   * On every newer server null, since 0 there may mean unknown.
   */
  readonly calculatedTotalCostUsd: number | null;
  readonly promptName: string | null;
  readonly promptVersion: number | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly tags: readonly string[];
  readonly traceName: string | null;
  /** Decoded metadata; values may be JSON that arrived as strings (already parsed where it parses to an object or list). */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Present only where the reader gets it without asking (legacy API); decoded JSON or a string. */
  readonly content?: ObservationContent;
}

/** The text of one observation: decoded JSON where it parses, else the string, else null. */
export interface ObservationContent {
  readonly input: unknown;
  readonly output: unknown;
}

/** Attributes that belong to a whole trace. From `/traces` (legacy), or from the root or `t-<traceId>` row (v2). */
export interface TraceAttributes {
  readonly traceId: string;
  readonly timestampMs: number;
  readonly updatedMs: number | null;
  readonly name: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly tags: readonly string[];
  readonly environment: string | null;
  readonly release: string | null;
  readonly version: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A score on an observation, a trace or a session. */
export interface Score {
  readonly id: string;
  readonly name: string;
  /** NUMERIC, BOOLEAN, CATEGORICAL, … (open). */
  readonly dataType: string;
  /** The number of a NUMERIC score, 1 or 0 of a BOOLEAN one, else null. */
  readonly value: number | null;
  /** The label of a CATEGORICAL score, else null. */
  readonly stringValue: string | null;
  /** ANNOTATION, API, EVAL, … */
  readonly source: string | null;
  readonly comment: string | null;
  readonly timestampMs: number;
  readonly updatedMs: number | null;
  readonly traceId: string | null;
  readonly observationId: string | null;
  readonly sessionId: string | null;
}

/** True for the synthetic root row that Langfuse 4 makes of a trace: it carries trace attributes and is never counted. */
export function isSyntheticRoot(observation: Pick<Observation, 'id' | 'traceId'>): boolean {
  return observation.id === `t-${observation.traceId}`;
}
