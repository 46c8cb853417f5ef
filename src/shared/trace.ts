/** A trace as MLflow is to hold it, as plain data. Times are epoch milliseconds UTC; unknown is null, never zero. */

export interface TraceTokens {
  /** The whole input, cache included. */
  readonly input: number;
  readonly output: number;
  readonly total: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export type TraceSpanType =
  | 'AGENT'
  | 'CHAIN'
  | 'CHAT_MODEL'
  | 'EMBEDDING'
  | 'EVALUATOR'
  | 'GUARDRAIL'
  | 'RETRIEVER'
  | 'TOOL'
  | 'UNKNOWN';

export interface TraceText {
  readonly inputs: unknown;
  readonly outputs: unknown;
}

export interface TraceSpan {
  /** 16 hex characters. */
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly type: TraceSpanType;
  readonly startMs: number;
  /** Null where it is not known, or not to be trusted. */
  readonly endMs: number | null;
  readonly isError: boolean;
  readonly message: string | null;
  readonly model: string | null;
  readonly provider: string | null;
  readonly tokens: TraceTokens | null;
  readonly costUsd: number | null;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Reads the text, which may be long; null where none is kept. */
  readonly readText: () => TraceText | null;
}

/** A score, as feedback on the trace or on one of its spans. */
export interface TraceAssessment {
  /** `a-` and 32 hex characters. */
  readonly id: string;
  readonly name: string;
  readonly spanId: string | null;
  readonly value: string | number | boolean;
  readonly sourceType: 'HUMAN' | 'LLM_JUDGE' | 'CODE';
  readonly sourceId: string;
  readonly comment: string | null;
  readonly timeMs: number;
}

export interface Trace {
  /** `tr-` and 32 hex characters: the same on every machine. */
  readonly id: string;
  /** The id in Langfuse. */
  readonly externalId: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number | null;
  readonly isError: boolean;
  readonly sessionId: string | null;
  readonly userId: string | null;
  /** The MLflow run that it belongs to. */
  readonly runId: string | null;
  readonly tokens: TraceTokens | null;
  readonly costUsd: number | null;
  /** Without those that the writer owns. */
  readonly tags: Readonly<Record<string, string>>;
  readonly assessments: readonly TraceAssessment[];
  /** Parents before their children; exactly one has no parent. */
  readonly spans: readonly TraceSpan[];
  /** What was asked and answered, in a line each. */
  readonly readPreviews: () => {
    readonly request: string | null;
    readonly response: string | null;
  };
  /** Over all of it. Equal hash: no call at all. */
  readonly hash: string;
}
