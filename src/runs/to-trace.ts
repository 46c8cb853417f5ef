/** A Langfuse trace with its observations as one MLflow trace: the tree, times, tokens, costs and scores. Pure. */
import type { ResolvedGeneration, TokenCounts } from '../litellm/generation.ts';
import { hashOf } from '../shared/hash.ts';
import type { Score, TraceAttributes } from '../shared/observation.ts';
import type { Trace, TraceSpan, TraceText, TraceTokens } from '../shared/trace.ts';
import { knownTags, sourceTag, toListTag } from './tags.ts';
import { toAssessments } from './trace-assessments.ts';
import { toAnswerText, toQuestionText, toSpanText } from './trace-text.ts';
import { toSpanId, toTree, type Node } from './trace-tree.ts';

export interface TraceCall {
  readonly generation: ResolvedGeneration;
  /** Of the kept text; null where none is kept. */
  readonly contentHash: string | null;
}

export interface TraceObservation {
  readonly id: string;
  readonly parentId: string | null;
  /** As Langfuse names it: SPAN, TOOL, … */
  readonly type: string;
  readonly name: string | null;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly isError: boolean;
  readonly statusMessage: string | null;
}

export interface TraceParts {
  readonly source: string;
  readonly experimentId: string;
  /** In Langfuse. */
  readonly traceId: string;
  /** Calls that count, at least one, by time. */
  readonly calls: readonly TraceCall[];
  readonly observations: readonly TraceObservation[];
  /** Ids of calls that were logged twice: they are in no number, and so in no trace. */
  readonly dropped: ReadonlySet<string>;
  readonly attributes: TraceAttributes | null;
  readonly scores: readonly Score[];
  /** Where Langfuse shows it. */
  readonly url: string;
  /** The MLflow run of its session. */
  readonly runId: string | null;
  /** Tells apart the rules by which texts are shown. */
  readonly textRules: string;
  readonly readText: (callId: string) => TraceText | null;
}

/** Grows when the same trace would be written otherwise. */
const formatVersion = 1;

/** Of an MLflow server no two traces may have one id, whatever experiment they are in. */
export function toTraceId(place: {
  readonly source: string;
  readonly experimentId: string;
  readonly traceId: string;
}): string {
  return `tr-${hashOf(['langfuse-mlflow', 'trace', place.experimentId, place.source, place.traceId])}`;
}

export function toTrace(parts: TraceParts): Trace {
  const { calls, attributes } = parts;
  const id = toTraceId(parts);
  const byId = new Map(calls.map((call) => [call.generation.id, call]));
  const tree = toTree(parts, byId);
  const spans = tree.map((node) => toSpan(parts, { node, id, call: byId.get(node.id) }));
  const root = spans[0];
  const generations = calls.map(({ generation }) => generation);
  const sessionId = firstKnown(generations, 'sessionId') ?? attributes?.sessionId ?? null;
  const name = attributes?.name ?? root?.name ?? 'trace';
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const trace: Omit<Trace, 'hash'> = {
    id,
    externalId: parts.traceId,
    name,
    startMs,
    durationMs: toDuration(spans, startMs),
    isError: generations.some((call) => call.isFinalAttempt && call.isError),
    sessionId,
    userId: firstKnown(generations, 'userId') ?? attributes?.userId ?? null,
    runId: parts.runId,
    tokens: sumTokens(generations),
    costUsd: sumCosts(generations),
    tags: toTags(parts, generations),
    assessments: toAssessments(parts, id),
    spans,
    readPreviews: () => ({
      request: toQuestionText(readFirst(parts, calls)?.inputs),
      response: toAnswerText(readFirst(parts, calls.toReversed())?.outputs),
    }),
  };
  const texts = calls.map(({ generation, contentHash }) => [generation.id, contentHash]);
  const described = [
    formatVersion,
    { ...trace, tags: sortedEntries(trace.tags) },
    texts,
    parts.textRules,
  ];
  // Functions are left out of JSON: what they read is told by its hashes.
  return { ...trace, hash: hashOf(described) };
}

function toSpan(
  parts: TraceParts,
  { node, id, call }: { node: Node; id: string; call: TraceCall | undefined },
): TraceSpan {
  const generation = call?.generation ?? null;
  return {
    id: toSpanId(id, node.id),
    parentId: node.parentId === null ? null : toSpanId(id, node.parentId),
    name: node.name,
    type: node.type,
    startMs: node.startMs,
    endMs: node.endMs,
    isError: node.isError,
    message: generation?.statusMessage ?? node.statusMessage,
    model: generation?.model ?? null,
    provider: generation?.provider ?? null,
    tokens: generation === null ? null : toTokens(generation.tokens),
    costUsd: generation?.costUsd ?? null,
    attributes: generation === null ? {} : toAttributes(generation, node.id),
    readText: () => {
      if (node.isMade) {
        const inputs = toQuestionText(readFirst(parts, parts.calls)?.inputs);
        const outputs = toAnswerText(readFirst(parts, parts.calls.toReversed())?.outputs);
        return inputs === null && outputs === null ? null : { inputs, outputs };
      }
      const text = generation === null ? null : parts.readText(generation.id);
      return text === null ? null : toSpanText(text);
    },
  };
}

function toAttributes(
  generation: ResolvedGeneration,
  observationId: string,
): Record<string, string | number | boolean> {
  const known = {
    'langfuse.observation.id': observationId,
    'langfuse_mlflow.cost_source': generation.costSource,
    'langfuse_mlflow.time_to_first_token_ms': generation.timeToFirstTokenMs,
    'langfuse_mlflow.error_class': generation.errorClass,
    'langfuse_mlflow.http_status': generation.httpStatus,
    'langfuse_mlflow.request_id': generation.requestId,
    'langfuse_mlflow.is_final_attempt': generation.isFinalAttempt,
    'langfuse_mlflow.is_cache_hit': generation.isCacheHit,
    'langfuse_mlflow.model_raw': generation.modelRaw,
    'langfuse_mlflow.prompt_name': generation.promptName,
    'langfuse_mlflow.prompt_version': generation.promptVersion,
  };
  const parameters = Object.entries(generation.parameters).map(
    ([name, value]) => [`parameters.${name}`, value] as const,
  );
  return Object.fromEntries(
    [...Object.entries(known), ...parameters].flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as const],
    ),
  );
}

function toTags(
  parts: TraceParts,
  generations: readonly ResolvedGeneration[],
): Record<string, string> {
  const all = (
    key: 'model' | 'environment' | 'release' | 'keyAlias' | 'teamAlias' | 'clientTool',
  ): string => toListTag([...new Set(generations.flatMap((call) => call[key] ?? []))].toSorted());
  const tags = [
    ...new Set([...(parts.attributes?.tags ?? []), ...generations.flatMap((call) => call.tags)]),
  ].toSorted();
  const unknownCosts = generations.filter((call) => call.costSource === 'unknown').length;
  return knownTags({
    [sourceTag]: parts.source,
    'langfuse_mlflow.url': parts.url,
    'langfuse_mlflow.trace_id': parts.traceId,
    'langfuse_mlflow.cost_unknown_requests': unknownCosts === 0 ? null : String(unknownCosts),
    models: all('model'),
    environment: all('environment'),
    release: all('release'),
    api_key_alias: all('keyAlias'),
    team_alias: all('teamAlias'),
    client_tool: all('clientTool'),
    tags: toListTag(tags, 20),
  });
}

function sortedEntries(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function readFirst(parts: TraceParts, calls: readonly TraceCall[]): TraceText | null {
  for (const { generation, contentHash } of calls) {
    const text = contentHash === null ? null : parts.readText(generation.id);
    if (text !== null) return text;
  }
  return null;
}

function firstKnown(
  generations: readonly ResolvedGeneration[],
  key: 'sessionId' | 'userId',
): string | null {
  return generations.find((call) => call[key] !== null)?.[key] ?? null;
}

/** Null where the end of any span is not known: a part of the time is no duration. */
function toDuration(spans: readonly TraceSpan[], startMs: number): number | null {
  const ends = spans.flatMap(({ endMs }) => (endMs === null ? [] : [endMs]));
  return ends.length < spans.length ? null : Math.max(...ends) - startMs;
}

function toTokens(tokens: TokenCounts | null): TraceTokens | null {
  if (tokens === null) return null;
  return {
    input: tokens.promptTokens,
    output: tokens.completionTokens,
    total: tokens.totalTokens,
    cacheRead: tokens.cacheReadTokens,
    cacheWrite: tokens.cacheWriteTokens,
  };
}

/** As the metric `cost_usd` of a run: the sum of what is known, unknown where nothing that was billed is. */
function sumCosts(generations: readonly ResolvedGeneration[]): number | null {
  const isPriced = generations.some(({ costSource }) => pricedSources.has(costSource));
  const isUnknown = generations.some(({ costSource }) => costSource === 'unknown');
  if (isUnknown && !isPriced) return null;
  return generations.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0);
}

const pricedSources: ReadonlySet<string> = new Set(['provided', 'langfuse_estimate']);

function sumTokens(generations: readonly ResolvedGeneration[]): TraceTokens | null {
  const known = generations.flatMap(({ tokens }) => toTokens(tokens) ?? []);
  const [first, ...rest] = known;
  if (first === undefined) return null;
  return rest.reduce(
    (sum, tokens) => ({
      input: sum.input + tokens.input,
      output: sum.output + tokens.output,
      total: sum.total + tokens.total,
      cacheRead: sum.cacheRead + tokens.cacheRead,
      cacheWrite: sum.cacheWrite + tokens.cacheWrite,
    }),
    first,
  );
}
