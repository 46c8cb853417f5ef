import type { ProgressEvent, RunCounts } from '../shared/progress.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import { toOneLine } from './to-safe-line.ts';

/**
 * One plain line for one event, without colours and without a line break at its end; null for an event
 * that is not worth a line of its own.
 */
export function renderProgressLine(event: ProgressEvent): string | null {
  switch (event.kind) {
    case 'run_started':
      return `${event.command}: ${toOneLine(event.source)} -> ${toOneLine(event.target)}`;
    case 'lease_taken_over':
      return `the lease of the state file was taken over from ${toOneLine(event.holder)}, ${event.why === 'gone' ? 'whose process is gone' : 'which let it run out'}`;
    case 'windows_planned':
      return event.span === null
        ? 'nothing to read: every window is up to date'
        : `${renderCount(event.windows, 'window')} to read, ${toIso(event.span.fromMs)} to ${toIso(event.span.toMs)}`;
    case 'window_read_progress':
      return `${toWindowLabel(event.window)}: ${renderCount(event.rows, 'row')} read${renderRate(event)}`;
    case 'window_folded': {
      const quarantined =
        event.quarantined === 0 ? '' : `, ${renderCount(event.quarantined, 'row')} set aside`;
      return `${toWindowLabel(event.window)}: ${renderCount(event.rows, 'row')} read${renderRate(event)}, ${renderCount(event.generations, 'generation')}${quarantined}`;
    }
    case 'window_published':
      return `${toWindowLabel(event.window)}: ${renderRuns(event.runs)}`;
    case 'run_made_again':
      return `${toWindowLabel(event.window)}: the run ${toOneLine(event.name)} had been deleted in MLflow (${event.runId}); it was made again`;
    case 'window_restored':
      return `${toWindowLabel(event.window)}: read again for calls that had been pruned`;
    case 'experiment_not_described':
      return `the experiment keeps its description as it is: ${toOneLine(event.message)}`;
    case 'traces_published': {
      const { written, unchanged, deleted } = event.traces;
      return `${toWindowLabel(event.window)}: traces ${written} written, ${unchanged} unchanged, ${deleted} deleted`;
    }
    case 'traces_skipped':
      return `no traces are written: ${toOneLine(event.reason)}`;
    case 'window_failed':
      return `${toWindowLabel(event.window)}: ${renderFailure(event)}`;
    case 'run_finished': {
      const failed = event.windowsFailed === 0 ? '' : `, ${event.windowsFailed} failed`;
      return `finished in ${renderElapsed(event.elapsedMs)}: ${renderCount(event.windowsDone, 'window')} done${failed}, ${renderCount(event.rows, 'row')}, ${renderRuns(event.runs)}`;
    }
  }
}

/** One line whatever the message holds: it may repeat what a server has said. */
function renderFailure({
  code,
  message,
  hint,
}: {
  code: string;
  message: string;
  hint: string;
}): string {
  const line = toOneLine(message);
  return `failed with ${code}: ${/[.!?]$/.test(line) ? line : `${line}.`} Next: ${hint}`;
}

function renderRuns({ created, updated, unchanged }: RunCounts): string {
  return `runs ${created} created, ${updated} updated, ${unchanged} unchanged`;
}

/** `1 window`, `1,200 rows`. */
export function renderCount(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `, 340 rows/s`; empty before there is anything to divide. */
function renderRate({ rows, elapsedMs }: { rows: number; elapsedMs: number }): string {
  const perSecond = toRowsPerSecond({ rows, elapsedMs });
  return perSecond === null ? '' : `, ${perSecond.toLocaleString('en-US')} rows/s`;
}

/** Whole rows a second, or null where no time has passed. */
export function toRowsPerSecond({
  rows,
  elapsedMs,
}: {
  rows: number;
  elapsedMs: number;
}): number | null {
  return elapsedMs > 0 ? Math.round((rows * 1000) / elapsedMs) : null;
}

/** `0.4s`, `12s`, `3m 05s`, `2h 10m`. */
export function renderElapsed(elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1000);
  if (elapsedMs < 9_950) return `${(elapsedMs / 1000).toFixed(1)}s`;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}
