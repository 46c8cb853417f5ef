import { toIso, toWindowLabel, type Interval } from '../shared/time.ts';
import { renderNote } from './note.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type ArtifactSpec, type RunSpec } from './run-spec.ts';
import { baseTags, knownTags, toListTag } from './tags.ts';

/** The run of one model in one window, nested under the window's run. */
export function toModelRun(model: {
  readonly source: string;
  readonly interval: Interval;
  readonly model: string;
  readonly providers: readonly string[];
  /** Names under which LiteLLM called it. */
  readonly rawNames: readonly string[];
  readonly metrics: ReadonlyMap<string, number>;
  readonly artifacts: readonly ArtifactSpec[];
}): RunSpec {
  const { source, interval } = model;
  const label = toWindowLabel(interval);
  return toRunSpec({
    grain: 'model',
    key: toRunKey({ source, grain: 'model', window: interval, subject: model.model }),
    parentKey: toRunKey({ source, grain: 'window', window: interval }),
    source,
    windowFromMs: interval.fromMs,
    subject: model.model,
    name: `${label} ${model.model}`,
    startMs: interval.fromMs,
    endMs: interval.toMs,
    params: {
      model: model.model,
      window_from: toIso(interval.fromMs),
      window_to: toIso(interval.toMs),
      source,
    },
    tags: {
      ...baseTags({
        grain: 'model',
        source,
        window: interval,
        note: renderNote({
          title: `Model **${model.model}** on **${label}** (UTC).`,
          metrics: model.metrics,
          lines:
            model.rawNames.length > 0
              ? [`LiteLLM called it ${model.rawNames.map((name) => `\`${name}\``).join(', ')}.`]
              : [],
        }),
      }),
      ...knownTags({
        model_provider: toListTag(model.providers),
        model_raw: toListTag(model.rawNames),
      }),
    },
    metrics: model.metrics,
    artifacts: model.artifacts,
  });
}
