/** Does the state file hold what Langfuse has? Reads windows again, into a scratch state, and compares. */
import type { Interval } from '../shared/time.ts';
import { closedBefore } from '../store/closed-days.ts';
import { readWindow } from '../sync/read-whole-window.ts';
import type { ReadingParts } from '../sync/read-window.ts';
import { compareWindows, totalsOf } from './compare-facts.ts';
import type { ModelTotals, WindowDrift } from './drift.ts';
import { dropText, openScratchState } from './scratch-state.ts';

export interface LangfuseVerification {
  readonly windows: number;
  /** Rows that Langfuse sent, repeated ones included. */
  readonly rowsRead: number;
  readonly langfuse: ModelTotals;
  readonly state: ModelTotals;
  readonly drift: readonly WindowDrift[];
}

/** Writes nothing to the real state. Throws AppError (LANGFUSE_*, STATE_*, CANCELLED). */
export async function verifyLangfuse(
  parts: ReadingParts,
  plan: {
    readonly windowMs: number;
    /** Windows that the state file has. */
    readonly windows: readonly Interval[];
    /** Settled windows between them that it never read. */
    readonly unread: readonly Interval[];
  },
): Promise<LangfuseVerification> {
  const source = parts.source.description.projectId;
  const openFromMs = closedBefore(parts.state, source) ?? Number.NEGATIVE_INFINITY;
  using scratch = openScratchState(parts.state);
  // A window that came out empty is drift to be told, not a reason to end.
  const settings = { ...parts.settings, checksEmptiness: false };
  let rowsRead = 0;
  for (const window of plan.windows) {
    parts.signal.throwIfAborted();
    const result = await readWindow({ ...parts, settings, state: scratch }, window);
    rowsRead += result.rows;
    dropText(scratch);
  }
  const totals = totalsOf(scratch, {
    source,
    windowStarts: plan.windows.map((window) => window.fromMs),
  });
  return {
    windows: plan.windows.length,
    rowsRead,
    ...totals,
    drift: [
      ...plan.unread.map((window) => ({
        window,
        isUnread: true,
        isEmptied: false,
        rows: [],
        models: [],
      })),
      // A late row may change how rows of a closed window's traces are understood, which is left as it is.
      ...compareWindows(scratch, { source, windowMs: plan.windowMs }).filter(
        ({ window }) => window.fromMs >= openFromMs,
      ),
    ].toSorted((a, b) => a.window.fromMs - b.window.fromMs),
  };
}
