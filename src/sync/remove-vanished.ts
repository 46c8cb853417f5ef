/** What a window's publication must take back: runs and trend points whose rows are gone from Langfuse. */
import { toRunKey } from '../runs/run-key.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { toTrendPoint } from '../runs/trend.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import { toInterval, type WindowRow } from '../store/windows.ts';
import { deletePublished } from './delete-published.ts';
import { retractTrendPoint } from './publish-trend.ts';
import type { Publishing } from './publishing.ts';

/** Deletes the runs whose rows are gone, and takes back their trend points. Returns how many runs. */
export async function removeVanished(
  publishing: Publishing,
  now: {
    readonly row: WindowRow;
    readonly models: readonly RunSpec[];
    readonly dimensions: readonly RunSpec[];
    readonly sessions: readonly RunSpec[];
    /** Null where request runs are off: those of earlier settings stay. */
    readonly requests: readonly RunSpec[] | null;
    readonly changedSessions: readonly string[];
  },
): Promise<number> {
  const { ledger } = publishing;
  const { source, from_ms: fromMs } = now.row;
  const gone = (grain: string, kept: readonly RunSpec[]): LedgerEntry[] => {
    const keys = keysOf(kept);
    return ledger.ofWindow(source, grain, fromMs).filter((entry) => !keys.has(entry.key));
  };

  const models = gone('model', now.models);
  const dimensions = gone('dimension', now.dimensions);
  const kept = keysOf(now.sessions);
  const emptied = now.changedSessions
    .map((sessionId) => ledger.get(toRunKey({ source, grain: 'session', subject: sessionId })))
    .filter((entry): entry is LedgerEntry => entry !== null && !kept.has(entry.key));
  const requests = now.requests === null ? [] : gone('request', now.requests);

  for (const entry of models) {
    const interval = toInterval(now.row);
    const subject = { source, model: entry.subject };
    const point = toTrendPoint({ ...subject, interval, metrics: new Map() });
    await retractTrendPoint(publishing, { ...subject, point, windowToMs: now.row.to_ms });
  }
  const vanished = [...models, ...dimensions, ...emptied, ...requests];
  for (const entry of vanished) await deletePublished(publishing, entry);
  return vanished.length;
}

function keysOf(specs: readonly RunSpec[]): Set<string> {
  return new Set(specs.map((spec) => spec.key));
}
