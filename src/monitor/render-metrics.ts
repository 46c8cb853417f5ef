/** The metrics as text, in Prometheus' format. Loaded only where metrics are asked for. */
import { Counter, Gauge, Registry } from 'prom-client';
import { exportedMetrics, metricPrefix, type MetricSource } from './metric-catalogue.ts';

/** What a pushed group must not hold of a run that failed: the value before has to stay. */
const successName = 'last_success_timestamp_seconds';

/** Without a family for what has no value. */
export async function renderMetrics(
  source: MetricSource,
  options: { readonly withSuccess: boolean } = { withSuccess: true },
): Promise<{ readonly contentType: string; readonly text: string }> {
  const registry = new Registry();
  for (const metric of exportedMetrics) {
    const values = metric.read(source);
    if (values.length === 0) continue;
    if (!options.withSuccess && metric.name === successName) continue;
    const configuration = {
      name: `${metricPrefix}${metric.name}`,
      help: metric.help,
      labelNames: [...metric.labels],
      registers: [registry],
    };
    if (metric.type === 'counter') {
      const counter = new Counter(configuration);
      for (const { labels, value } of values) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(configuration);
      for (const { labels, value } of values) gauge.set(labels, value);
    }
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
