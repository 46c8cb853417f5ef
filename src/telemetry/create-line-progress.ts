import type { ProgressEvent } from '../shared/progress.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { renderProgressLine } from './render-progress-line.ts';

/** A window that is read for long says so this often, at most. */
const readLineEveryMs = 10_000;

/** Plain lines, one an event: for logs, pipes and cron mail. Writes nothing else and holds no resource. */
export function createLineProgress({ write }: { write: (text: string) => void }): ProgressDisplay {
  const lastReadMs = new Map<number, number>();
  return {
    report: (event) => {
      if (!isDue(event, lastReadMs)) return;
      const line = renderProgressLine(event);
      if (line !== null) write(`${line}\n`);
    },
    write,
    [Symbol.dispose]: () => {},
  };
}

/** Windows are read in parallel, so each has its own last line; its time is the event's own. */
function isDue(event: ProgressEvent, lastReadMs: Map<number, number>): boolean {
  if (event.kind === 'window_folded' || event.kind === 'window_failed') {
    lastReadMs.delete(event.window.fromMs);
  }
  if (event.kind !== 'window_read_progress') return true;
  const last = lastReadMs.get(event.window.fromMs) ?? 0;
  if (event.elapsedMs - last < readLineEveryMs) return false;
  lastReadMs.set(event.window.fromMs, event.elapsedMs);
  return true;
}
