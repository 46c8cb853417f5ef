/** Deletes one run of the ledger from MLflow. */
import type { LedgerEntry } from '../store/ledger.ts';
import type { Publishing } from './publishing.ts';

/** Deletes the run of an entry, also one whose create was sent and not answered, and forgets the entry. */
export async function deletePublished(publishing: Publishing, entry: LedgerEntry): Promise<void> {
  const { target, ledger, experimentId } = publishing;
  const { runId } = entry;
  const runs =
    runId === null
      ? await target.findRunsByKey(experimentId, [entry.key])
      : [await target.getRun(runId)];
  // A run that someone has deleted before is no fault.
  for (const run of runs) if (run !== null) await target.deleteRun(run.runId);
  if (runId !== null) ledger.orphanChildren(runId);
  ledger.remove(entry.key);
}
