/** Tells the receivers of the settings how a run went. Whatever they do, the run is not touched by it. */
import { existsSync } from 'node:fs';
import { writeWhole } from '../shared/write-whole.ts';
import { changeMemory, readMemory } from './memory.ts';
import type { MetricSource } from './metric-catalogue.ts';
import { post } from './post.ts';
import type { RunReport } from './run-report.ts';
import { toPingUrl, toPushUrl } from './to-addresses.ts';
import { decideMessage, type Fault } from './webhook-message.ts';

export interface Receivers {
  /** Null: not set. */
  readonly metricsFile: string | null;
  readonly pushgatewayUrl: string | null;
  readonly pingUrl: string | null;
  readonly webhookUrl: string | null;
  readonly memoryPath: string;
  readonly version: string;
  readonly experiment: string;
  /** Told of each receiver that could not be told. */
  readonly onFailure: (message: string, error?: unknown) => void;
}

/** Never rejects. */
export async function tellStart(to: Receivers, run: { readonly runId: string }): Promise<void> {
  if (to.pingUrl === null) return;
  const url = toPingUrl(to.pingUrl, { runId: run.runId, event: 'start' });
  warn(to, 'SYNC_PING_URL', await post({ url, contentType: 'text/plain', body: '' }));
}

/** Never rejects. `lastLines`: the end of the log, without secrets. */
export async function tellEnd(
  to: Receivers,
  ended: {
    readonly report: RunReport;
    readonly faults: readonly Fault[];
    readonly lastLines: string;
  },
): Promise<void> {
  const { report } = ended;
  if (needsMemory(to)) remember(to, report);
  await Promise.all([
    writeMetricsFile(to, report.endMs),
    push(to, report),
    ping(to, report, ended.lastLines),
    notify(to, report, ended.faults),
  ]);
}

/**
 * Nothing is left beside the state file of a run that nobody is told of. Where `schedule` runs, it has made the file
 * before, and its metrics tell of every command.
 */
function needsMemory(to: Receivers): boolean {
  const isRead = to.metricsFile !== null || to.pushgatewayUrl !== null || to.webhookUrl !== null;
  return isRead || existsSync(to.memoryPath);
}

function remember(to: Receivers, report: RunReport): void {
  const memory = readMemory(to.memoryPath);
  const { command, exitCode, endMs } = report;
  attempt(to, `What is remembered for monitoring could not be kept in ${to.memoryPath}`, () =>
    changeMemory(to.memoryPath, {
      runs: { ...memory.runs, [command]: report },
      ...(exitCode === 0
        ? { last_success_ms: { ...memory.last_success_ms, [command]: endMs } }
        : {}),
    }),
  );
}

function toMetricSource(to: Receivers, nowMs: number): MetricSource {
  return { memory: readMemory(to.memoryPath), nowMs, version: to.version, schedule: null };
}

async function writeMetricsFile(to: Receivers, nowMs: number): Promise<void> {
  const path = to.metricsFile;
  if (path === null) return;
  const { renderMetrics } = await import('./render-metrics.ts');
  const { text } = await renderMetrics(toMetricSource(to, nowMs));
  // node_exporter runs as another user, and takes files that end in .prom alone: the draft is none.
  attempt(to, 'SYNC_METRICS_FILE could not be written', () =>
    writeWhole({ path, text, mode: 0o644 }),
  );
}

async function push(to: Receivers, report: RunReport): Promise<void> {
  if (to.pushgatewayUrl === null) return;
  const { renderMetrics } = await import('./render-metrics.ts');
  const source = toMetricSource(to, report.endMs);
  const lastMs = source.memory.last_success_ms[report.command];
  const memory = {
    ...source.memory,
    runs: { [report.command]: report },
    last_success_ms: lastMs === undefined ? {} : { [report.command]: lastMs },
  };
  const { contentType, text } = await renderMetrics(
    { ...source, memory },
    { withSuccess: report.exitCode === 0 },
  );
  const url = toPushUrl(to.pushgatewayUrl, report.command);
  // POST replaces only what it holds, so that the last success stays where this run was none.
  warn(to, 'SYNC_PUSHGATEWAY_URL', await post({ url, contentType, body: text }));
}

async function ping(to: Receivers, report: RunReport, lastLines: string): Promise<void> {
  if (to.pingUrl === null) return;
  const url = toPingUrl(to.pingUrl, { runId: report.runId, event: report.exitCode });
  warn(to, 'SYNC_PING_URL', await post({ url, contentType: 'text/plain', body: lastLines }));
}

async function notify(to: Receivers, report: RunReport, faults: readonly Fault[]): Promise<void> {
  if (to.webhookUrl === null) return;
  const { command, exitCode } = report;
  const { told_faults: toldFaults } = readMemory(to.memoryPath);
  const before = toldFaults[command] ?? [];
  const outcome = { command, exitCode, faults, experiment: to.experiment };
  const { text, told } = decideMessage(outcome, before);
  if (text === null) return;
  const body = JSON.stringify({ text });
  const url = new URL(to.webhookUrl);
  const failure = await post({ url, contentType: 'application/json', body });
  warn(to, 'SYNC_WEBHOOK_URL', failure);
  // Not told: the next run tries again.
  if (failure !== null) return;
  attempt(to, `That it was told could not be kept in ${to.memoryPath}`, () =>
    changeMemory(to.memoryPath, { told_faults: { ...toldFaults, [command]: [...told] } }),
  );
}

function warn(to: Receivers, setting: string, failure: string | null): void {
  if (failure !== null) to.onFailure(`${setting} was not told: ${failure}.`);
}

function attempt(to: Receivers, what: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    to.onFailure(`${what}.`, error);
  }
}
