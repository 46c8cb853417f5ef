import { catalogue } from '../src/metrics/catalogue.ts';
import type { Metric, MetricGrain } from '../src/metrics/metric.ts';
import { counterMetrics } from '../src/metrics/window-counters.ts';

/** docs/metrics.md */
export function renderMetricsPage(): string {
  const counters = counterMetrics.map(({ name, meaning }) => row([code(name), 'count', meaning]));
  const definitions = catalogue.map((metric) => row([code(metric.name), code(sqlOf(metric))]));
  return `# Metrics

Every number that is published to MLflow, from the catalogue in \`src/metrics\` (made by
\`npm run generate\`; do not edit by hand).

An *attempt* is one call as LiteLLM logged it, double logging removed. A *request* is one call of a client,
with all its retries and fallbacks; its outcome is that of its last attempt. What is unknown is absent and
never zero: a metric that no row can tell is not published, and how many rows could not tell is published
beside it (\`cost_unknown_requests\`, \`usage_unknown_requests\`, \`timing_rejected_requests\`).

*Published in* names the kinds of runs that carry it: the run of a window, of a model in a window, of a
session, of a value of one of your [dimensions](custom-metrics.md#dimensions), or the trend of a model or
of all of them together, which has one point for each window. [Your own metrics](custom-metrics.md) stand beside them.

| Metric | Unit | Published in | Meaning |
|---|---|---|---|
${catalogue.map(renderMetric).join('\n')}

A metric with a list of statistics is published once for each, below its name: \`latency_ms/p50\`.
Percentiles are exact and interpolate linearly between the two nearest ranks.

## Scores

Langfuse scores are published by name: \`score/NAME/count\` in every kind of run that they belong to, and
\`score/NAME/mean\` where they are numbers or yes/no.

## Reading a window

The run of a window also says how it was read.

| Metric | Unit | Meaning |
|---|---|---|
${counters.join('\n')}

## Definitions

The SQL of each metric over the facts of one group. A distribution shows the value of one fact.

| Metric | SQL |
|---|---|
${definitions.join('\n')}
`;
}

function renderMetric(metric: Metric): string {
  if (metric.kind === 'scalar') {
    const { name, unit, grains, meaning } = metric;
    return row([code(name), unit, renderGrains(grains), meaning]);
  }
  const { name, unit, grains, meaning, statistics, trendStatistics } = metric;
  const trend =
    grains.includes('trend') && trendStatistics.length < statistics.length
      ? ` (trend: ${trendStatistics.join(', ')})`
      : '';
  const names = `${code(name)}: ${statistics.join(', ')}${trend}`;
  return row([names, unit, renderGrains(grains), meaning]);
}

function renderGrains(grains: readonly MetricGrain[]): string {
  return grains.join(', ');
}

function sqlOf(metric: Metric): string {
  return metric.kind === 'scalar' ? metric.sql : metric.valueSql;
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
