import { volatileMetrics } from '../metrics/window-counters.ts';
import { toIso, toWindowLabel, type Interval } from '../shared/time.ts';
import { renderNote } from './note.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type ArtifactSpec, type RunSpec } from './run-spec.ts';
import { baseTags, knownTags } from './tags.ts';

/** The run of a window: totals over all models, and the tables and the manifest of the window. */
export function toWindowRun(window: {
  readonly source: string;
  readonly projectName: string | null;
  readonly interval: Interval;
  readonly metrics: ReadonlyMap<string, number>;
  readonly artifacts: readonly ArtifactSpec[];
}): RunSpec {
  const { source, interval } = window;
  const label = toWindowLabel(interval);
  const quarantined = window.metrics.get('rows_quarantined') ?? 0;
  return toRunSpec(
    {
      grain: 'window',
      key: toRunKey({ source, grain: 'window', window: interval }),
      parentKey: null,
      source,
      windowFromMs: interval.fromMs,
      subject: '',
      name: label,
      startMs: interval.fromMs,
      endMs: interval.toMs,
      params: {
        window_from: toIso(interval.fromMs),
        window_to: toIso(interval.toMs),
        source,
      },
      tags: {
        ...baseTags({
          grain: 'window',
          source,
          window: interval,
          note: renderNote({
            title: `All traffic of **${label}** (UTC)${window.projectName === null ? '' : ` in Langfuse project **${window.projectName}**`}.`,
            metrics: window.metrics,
            lines:
              quarantined > 0
                ? [
                    `**Incomplete:** ${quarantined} rows could not be read; \`langfuse-mlflow status\` names each.`,
                  ]
                : [],
          }),
        }),
        ...knownTags({ project: window.projectName }),
      },
      metrics: window.metrics,
      artifacts: window.artifacts,
    },
    volatileMetrics,
  );
}
