/** Does the state file hold what Langfuse has? Reads windows again, into a scratch state, and compares. */
import { toAppError, type AppError } from '../shared/errors.ts';
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
  /** Windows that the list shows empty and another list of the same server does not: nothing can be told of them. */
  readonly untrusted: readonly UntrustedWindow[];
}

export interface UntrustedWindow {
  readonly window: Interval;
  /** LANGFUSE_NOT_EMPTY */
  readonly error: AppError;
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
  const untrusted: UntrustedWindow[] = [];
  let rowsRead = 0;
  for (const window of plan.windows) {
    parts.signal.throwIfAborted();
    try {
      rowsRead += (await readWindow({ ...parts, state: scratch }, window)).rows;
    } catch (caught) {
      const error = toAppError(caught);
      if (error.code !== 'LANGFUSE_NOT_EMPTY') throw caught;
      untrusted.push({ window, error });
    }
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
    untrusted,
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
