/**
 * Windows of which only MLflow still knows anything: the state file was rebuilt from its runs, and Langfuse shows no
 * row there any more. Its retention may have deleted them; published as empty, the history would be gone for good.
 */
import { toRunKey } from '../runs/run-key.ts';
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import type { Ledger, LedgerEntry } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';

interface Place {
  readonly state: State;
  readonly ledger: Ledger;
}

/**
 * True until this state file itself has begun to publish the window: then it knows that rows were deleted. Every
 * entry that it wrote itself names the artifacts of its run; those taken up from MLflow name none.
 */
export function isEmptiedWindow(place: Place, row: WindowRow): boolean {
  const entry = windowEntry(place.ledger, row);
  return (
    entry !== null &&
    Object.keys(entry.artifacts).length === 0 &&
    attemptsInMlflow(place.ledger, row) > 0 &&
    place.state.db
      .prepare('SELECT 1 FROM facts WHERE source = ? AND window_from_ms = ? LIMIT 1')
      .get(row.source, row.from_ms) === undefined
  );
}

/** Throws LANGFUSE_UNEXPECTED for such a window, which leaves its runs as they are. */
export function refuseEmptiedWindow(place: Place, row: WindowRow): void {
  if (!isEmptiedWindow(place, row)) return;
  throw new AppError(
    'LANGFUSE_UNEXPECTED',
    `Langfuse shows no call from ${toIso(row.from_ms)} to ${toIso(row.to_ms)}, and MLflow holds runs of ${attemptsInMlflow(place.ledger, row)} of them, which were left as they are, and those of sessions that began there too.`,
    {
      hint: 'Run again when Langfuse shows the calls. If it deleted them for good (its data retention), the runs in MLflow are all that is left of them: run `langfuse-mlflow recover --since DAY` with the first day that it still has whole, which keeps what lies before as it is.',
      details: { window: toIso(row.from_ms) },
    },
  );
}

function attemptsInMlflow(ledger: Ledger, row: WindowRow): number {
  return windowEntry(ledger, row)?.metrics['attempts'] ?? 0;
}

function windowEntry(ledger: Ledger, row: WindowRow): LedgerEntry | null {
  const key = toRunKey({ source: row.source, grain: 'window', window: toInterval(row) });
  return ledger.get(key);
}
