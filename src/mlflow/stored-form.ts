/** What MLflow keeps of the values of a run: the form in which they come back. */
import type { RunValues } from '../sync/ports.ts';
import { toParamPairs, toTagPairs } from './bodies.ts';
import { toMetricKey } from './keys.ts';
import { toMetricValue, toRunName } from './limits.ts';

/** Both targets write values by bodies.ts alone, so that one form stands for either. */
export function toStoredForm(values: RunValues): RunValues {
  return {
    name: toRunName(values.name),
    tags: Object.fromEntries(toTagPairs(values.tags).map(({ key, value }) => [key, value])),
    params: Object.fromEntries(toParamPairs(values.params).map(({ key, value }) => [key, value])),
    metrics: Object.fromEntries(
      Object.entries(values.metrics).map(([key, value]) => [
        toMetricKey(key),
        toMetricValue(value),
      ]),
    ),
  };
}
