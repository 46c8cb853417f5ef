/** The markdown note that MLflow shows at the top of a run's page. */

const fallback = 'unknown';

/** A short table of the numbers a person looks for first. Unknown is said. */
export function renderNote(note: {
  readonly title: string;
  readonly metrics: ReadonlyMap<string, number>;
  /** Lines below the numbers, e.g. a link back to Langfuse. */
  readonly lines: readonly string[];
}): string {
  const { metrics } = note;
  const rows: [string, string][] = [
    // MLflow folds a description after its first lines.
    ['Cost', toCost(metrics)],
    ['Requests', toCount(metrics.get('requests') ?? 0)],
    ['Errors', toErrors(metrics)],
    ['Tokens', toTokens(metrics)],
    ['Latency p50 / p95', toPair(metrics, 'latency_ms')],
    ['Time to first token p50 / p95', toPair(metrics, 'time_to_first_token_ms')],
  ];
  return [
    note.title,
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    ...(note.lines.length > 0 ? ['', ...note.lines] : []),
  ].join('\n');
}

/** `12,345`. */
export function toCount(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `$12.34`, `$0.0012`: two significant digits at least. */
export function toUsd(value: number): string {
  const digits =
    value === 0 || Math.abs(value) >= 1
      ? 2
      : Math.min(8, 2 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = '0', fraction] = value.toFixed(digits).split('.');
  return `$${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}.${fraction ?? '00'}`;
}

/** `840 ms`, `12.3 s`. */
export function toDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function toErrors(metrics: ReadonlyMap<string, number>): string {
  const errors = metrics.get('errors') ?? 0;
  const rate = metrics.get('error_rate');
  return rate === undefined ? toCount(errors) : `${toCount(errors)} (${(rate * 100).toFixed(1)} %)`;
}

function toCost(metrics: ReadonlyMap<string, number>): string {
  const cost = metrics.get('cost_usd');
  const unknown = metrics.get('cost_unknown_requests') ?? 0;
  const known = cost === undefined ? fallback : toUsd(cost);
  return unknown > 0 && cost !== undefined
    ? `${known} (${toCount(unknown)} attempts of unknown cost not included)`
    : known;
}

function toTokens(metrics: ReadonlyMap<string, number>): string {
  const total = metrics.get('total_tokens');
  if (total === undefined) return fallback;
  const input = toCount(metrics.get('prompt_tokens') ?? 0);
  const cached = toCount(metrics.get('cache_read_tokens') ?? 0);
  return `${toCount(total)} (input ${input}, of it ${cached} from cache; output ${toCount(metrics.get('completion_tokens') ?? 0)})`;
}

function toPair(metrics: ReadonlyMap<string, number>, name: string): string {
  const p50 = metrics.get(`${name}/p50`);
  const p95 = metrics.get(`${name}/p95`);
  return p50 === undefined || p95 === undefined
    ? fallback
    : `${toDuration(p50)} / ${toDuration(p95)}`;
}
