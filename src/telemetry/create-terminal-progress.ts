import { MultiBar, type Params, type SingleBar } from 'cli-progress';
import { toWindowLabel } from '../shared/time.ts';
import type { ProgressEvent } from '../shared/progress.ts';
import type { ProgressDisplay } from './progress-display.ts';
import {
  renderCount,
  renderElapsed,
  renderProgressLine,
  toRowsPerSecond,
} from './render-progress-line.ts';

/** What the bar shows beside its length. */
interface BarState {
  /** Rows of windows that are folded. */
  foldedRows: number;
  /** Rows so far of windows that are being read, by window start. */
  readonly reading: Map<number, { readonly rows: number; readonly elapsedMs: number }>;
  rowsPerSecond: number | null;
  current: string;
}

/**
 * A bar of windows on a terminal, with rows, rate and the time left; lines (failures, the log) go above it.
 *
 * Draws nothing before `windows_planned` and stops at `run_finished` or when disposed.
 */
export function createTerminalProgress({
  stream,
}: {
  stream: NodeJS.WriteStream;
}): ProgressDisplay {
  const state: BarState = { foldedRows: 0, reading: new Map(), rowsPerSecond: null, current: '' };
  const bars = new MultiBar({
    stream,
    format: (_options, params) => renderBar({ params, state }),
    hideCursor: true,
    // Signals belong to the command, which disposes this display when it stops.
    gracefulExit: false,
    etaBuffer: 20,
    fps: 5,
  });
  let bar: SingleBar | null = null;

  const stop = (): void => {
    if (bar === null) return;
    bar = null;
    // stop() alone would drop the lines that wait for the next redraw.
    bars.update();
    bars.stop();
  };
  const write = (text: string): void => {
    if (bar === null) stream.write(text);
    else bars.log(text);
  };
  const report = (event: ProgressEvent): void => {
    follow(event, state);
    if (event.kind === 'run_finished') stop();
    if (event.kind === 'windows_planned' && event.windows > 0) bar = bars.create(event.windows, 0);
    if (event.kind === 'window_published' || event.kind === 'window_failed') bar?.increment();
    if (hasLine(event)) write(`${renderProgressLine(event)}\n`);
  };
  return { report, write, [Symbol.dispose]: stop };
}

/** The rest is told by the bar. */
function hasLine(event: ProgressEvent): boolean {
  const told = [
    'run_started',
    'lease_taken_over',
    'windows_planned',
    'run_made_again',
    'window_restored',
    'experiment_not_described',
    'window_failed',
    'run_finished',
  ];
  return told.includes(event.kind);
}

function follow(event: ProgressEvent, state: BarState): void {
  if (event.kind === 'window_read_progress' || event.kind === 'window_folded') {
    state.current = toWindowLabel(event.window);
  }
  if (event.kind === 'window_read_progress') {
    state.reading.set(event.window.fromMs, event);
    // Windows are read in parallel: their rates add up.
    const rates = [...state.reading.values()].map((reading) => toRowsPerSecond(reading) ?? 0);
    state.rowsPerSecond = rates.reduce((sum, rate) => sum + rate, 0);
  }
  if (event.kind === 'window_folded') {
    state.reading.delete(event.window.fromMs);
    state.foldedRows += event.rows;
  }
  if (event.kind === 'window_failed') state.reading.delete(event.window.fromMs);
}

function renderBar({ params, state }: { params: Params; state: BarState }): string {
  const width = 24;
  const filled = Math.round(Math.min(1, Math.max(0, params.progress)) * width);
  const readingRows = [...state.reading.values()].reduce((sum, { rows }) => sum + rows, 0);
  const parts = [
    `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${params.value}/${params.total} windows`,
    renderCount(state.foldedRows + readingRows, 'row'),
  ];
  if (state.rowsPerSecond !== null)
    parts.push(`${state.rowsPerSecond.toLocaleString('en-US')} rows/s`);
  if (params.value >= params.total) return parts.join('  ');
  // Words such as NULL or INF stand where the time left is not known yet.
  if (Number.isFinite(params.eta) && params.value > 0) {
    parts.push(`${renderElapsed(params.eta * 1000)} left`);
  }
  if (state.current !== '') parts.push(state.current);
  return parts.join('  ');
}
