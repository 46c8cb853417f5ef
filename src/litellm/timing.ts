/** Latency and time to first token, and why either is not believed. All in epoch milliseconds UTC. */
import type { Observation } from '../shared/observation.ts';
import { own, toBoolean, toNonNegative } from './coerce.ts';
import type { TimingFault, UnderstandingRules } from './generation.ts';
import type { RowMetadata } from './row-metadata.ts';

export interface Timing {
  readonly latencyMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly timingFault: TimingFault | null;
  readonly isStreaming: boolean;
  readonly gatewayOverheadMs: number | null;
}

/**
 * Times of one row. A broken time leaves the latency null with its fault (BerriAI/litellm#2857). Time to first
 * token only of streamed calls and only below the latency: LiteLLM writes the end time into the completion
 * start where it has nothing better, always so without streaming (BerriAI/litellm#9210).
 */
export function toTiming(row: {
  readonly observation: Observation;
  readonly metadata: RowMetadata;
  readonly rules: UnderstandingRules;
}): Timing {
  const { observation, metadata, rules } = row;
  const timingFault = toTimingFault(observation, rules);
  const latencyMs =
    timingFault === null && observation.endMs !== null
      ? observation.endMs - observation.startMs
      : null;
  const isStreaming =
    toBoolean(own(observation.modelParameters, 'stream')) ??
    toBoolean(
      metadata.attribute('llm.is_streaming', 'litellm.request.streaming', 'gen_ai.request.stream'),
    ) ??
    toBoolean(metadata.get('stream')) ??
    false;

  let timeToFirstTokenMs: number | null = null;
  if (isStreaming && latencyMs !== null && observation.completionStartMs !== null) {
    const elapsedMs = observation.completionStartMs - observation.startMs;
    if (elapsedMs >= 0 && elapsedMs < latencyMs) timeToFirstTokenMs = elapsedMs;
  }
  return {
    latencyMs,
    timeToFirstTokenMs,
    timingFault,
    isStreaming,
    gatewayOverheadMs: toNonNegative(own(metadata.hiddenParams, 'litellm_overhead_time_ms')),
  };
}

function toTimingFault(observation: Observation, rules: UnderstandingRules): TimingFault | null {
  const { startMs, endMs } = observation;
  if (startMs > rules.nowMs) return 'in_future';
  if (endMs === null) return 'no_end';
  if (endMs < startMs) return 'end_before_start';
  return endMs - startMs > rules.maxLatencyMs ? 'too_long' : null;
}
