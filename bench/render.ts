/** The figures as tables in Markdown. */
import { cpus, totalmem } from 'node:os';
import { median, type Measured } from './figures.ts';
import type { Runs, Target } from './targets.ts';

export interface Conditions {
  readonly rows: number;
  readonly latencyMs: number;
  readonly requestsPerMinute: number | null;
  readonly rounds: number;
  readonly withText: boolean;
  readonly concurrency: number;
}

export function renderConditions(conditions: Conditions): string {
  const { rows, latencyMs, requestsPerMinute, rounds, withText, concurrency } = conditions;
  return [
    `${rows.toLocaleString('en')} calls over 14 days, ${latencyMs} ms of latency, ${requestsPerMinute ?? 'unlimited'} requests a minute, ${withText ? 'with' : 'without'} text, 1 % of rows sent twice, 2 % of requests answered 503, ${concurrency} requests at a time where a contender reads in parallel; ${rounds} interleaved rounds, medians.`,
    `Machine: ${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}.`,
  ].join('\n\n');
}

export function renderRuns(runs: Runs): string {
  const fastest = median((runs.get('worker') ?? []).map((run) => run.wallMs));
  const lines = [...runs].map(([name, of]) => {
    const at = (value: (run: Measured) => number): number => median(of.map(value));
    const notes = Object.keys(of[0]?.notes ?? {}).map(
      (note) =>
        `${note} ${Math.round(at((run) => run.notes[note] ?? Number.NaN)).toLocaleString('en')}`,
    );
    return `| ${name} | ${(at((run) => run.wallMs) / 1000).toFixed(2)} s | ${(at((run) => run.wallMs) / fastest).toFixed(2)} | ${(at((run) => run.cpuMs) / 1000).toFixed(2)} s | ${Math.round(at((run) => run.peakBytes) / 1e6)} MB | ${at((run) => run.requests)} | ${at((run) => run.limited)} | ${notes.join(', ')} |`;
  });
  return [
    '| Contender | Time | Of the worker’s | CPU | Peak memory | Requests | 429 | Else |',
    '|---|--:|--:|--:|--:|--:|--:|---|',
    ...lines,
  ].join('\n');
}

export function renderTargets(targets: readonly Target[]): string {
  return [
    '| Target | Wanted | Here | |',
    '|---|---|---|---|',
    ...targets.map(
      ({ what, wanted, figure, isMet }) =>
        `| ${what} | ${wanted} | ${figure} | ${verdict(isMet)} |`,
    ),
  ].join('\n');
}

function verdict(isMet: boolean | null): string {
  if (isMet === null) return '';
  return isMet ? 'met' : '**not met**';
}
