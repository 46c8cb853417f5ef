/** Scores of a trace as MLflow's feedback. Pure. */
import { hashOf } from '../shared/hash.ts';
import type { Score } from '../shared/observation.ts';
import type { TraceAssessment } from '../shared/trace.ts';
import type { TraceParts } from './to-trace.ts';
import { toSpanId } from './trace-tree.ts';

/** In order of their ids. A score without a value says nothing and is left out. */
export function toAssessments(
  parts: Pick<TraceParts, 'scores' | 'calls' | 'observations' | 'dropped'>,
  traceId: string,
): TraceAssessment[] {
  const spans = new Set(
    [...parts.calls.map(({ generation }) => generation), ...parts.observations]
      .map(({ id }) => id)
      .filter((id) => !parts.dropped.has(id)),
  );
  return parts.scores
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((score) => {
      const value = toValue(score);
      if (value === null) return [];
      const isOfSpan = score.observationId !== null && spans.has(score.observationId);
      return [
        {
          id: `a-${hashOf(['assessment', traceId, score.id])}`,
          // MLflow takes no point in a name.
          name: score.name.replaceAll('.', '_').slice(0, 250),
          spanId: isOfSpan ? toSpanId(traceId, score.observationId) : null,
          value,
          sourceType: sourceTypes[score.source ?? ''] ?? 'CODE',
          sourceId: `langfuse ${(score.source ?? 'score').toLowerCase()}`,
          comment: score.comment,
          timeMs: score.timestampMs,
        },
      ];
    });
}

function toValue(score: Score): TraceAssessment['value'] | null {
  if (score.dataType === 'BOOLEAN') return score.value === null ? null : score.value === 1;
  return score.value ?? score.stringValue;
}

const sourceTypes: Readonly<Record<string, TraceAssessment['sourceType']>> = {
  ANNOTATION: 'HUMAN',
  EVAL: 'LLM_JUDGE',
  API: 'CODE',
};
