/** Figures of a report as tests need them. */
import type { Group, ReportFigures } from '../../../src/report/html/figures.ts';

export function aGroup(name: string, metrics: Readonly<Record<string, number>>): Group {
  return {
    name,
    metrics: new Map(Object.entries(metrics)),
    links: { mlflow: null, langfuse: null },
  };
}

const totals = {
  requests: 12_345,
  attempts: 12_400,
  errors: 3,
  failed_attempts: 5,
  cost_usd: 3.42,
  cost_unknown_requests: 0,
  total_tokens: 12_300_000,
  'latency_ms/p50': 840,
};

export function aReport(parts: Partial<ReportFigures> = {}): ReportFigures {
  const fromMs = Date.UTC(2026, 10, 12);
  return {
    kind: 'window',
    subject: '2026-11-12',
    project: 'gateway',
    fromMs,
    toMs: fromMs + 86_400_000,
    totals: new Map(Object.entries(totals)),
    comparisons: [],
    models: [aGroup('gpt-5-mini', totals)],
    windows: [],
    timeline: {
      fromMs,
      bucketMs: 3_600_000,
      buckets: 24,
      cells: [{ bucket: 3, model: 'gpt-5-mini', requests: 12_345, costUsd: 3.42 }],
    },
    latencyEdgesMs: [250, 500],
    latency: [{ model: 'gpt-5-mini', attempts: [1, 2, 3] }],
    failures: [],
    rankings: [],
    reading: { quarantined: 0, doubleLogged: 0, repeated: null, unread: [] },
    ...parts,
  };
}
