/** Creates a run in MLflow once, whatever becomes of the answer. */
import type { RunSpec } from '../runs/run-spec.ts';
import { completeTag } from '../runs/tags.ts';
import { AppError } from '../shared/errors.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import { toEntry, toParentRunId, type Publishing } from './publishing.ts';
import type { CreateRun, RunRef, Target } from './ports.ts';
import { toRunTags } from './run-tags.ts';

/**
 * Creates the run of a spec, with the ledger written ahead: a create that was sent and not answered is found by
 * its key by whoever comes next. The entry that it gives says `writing`, with nothing written.
 */
export async function createPublished(
  publishing: Publishing,
  spec: RunSpec,
): Promise<{ readonly run: RunRef; readonly entry: LedgerEntry }> {
  const { target, ledger, clock, experimentId } = publishing;
  const parentRunId = toParentRunId(publishing, spec);
  const tags = toRunTags(spec, { parentRunId, revision: 0 });
  const planned = toEntry(spec, { run: null, revision: 0, parentRunId, tags: Object.keys(tags) });
  ledger.put({ ...planned, state: 'creating' }, clock.now());
  const run = await createOnce(target, {
    experimentId,
    name: spec.name,
    startMs: spec.startMs,
    key: spec.key,
    tags: { ...tags, [completeTag]: 'false' },
  });
  const entry = { ...planned, runId: run.runId, artifactUri: run.artifactUri };
  ledger.put(entry, clock.now());
  return { run, entry };
}

/** A create whose answer was lost is looked for at once; when it is not found, the next run of the worker looks again. */
async function createOnce(
  target: Target,
  run: CreateRun & { readonly key: string },
): Promise<RunRef> {
  const { key, ...create } = run;
  try {
    return await target.createRun(create);
  } catch (error) {
    if (!(error instanceof AppError) || error.details['isUncertain'] !== true) throw error;
    const [found] = await target.findRunsByKey(run.experimentId, [key]);
    if (found === undefined) throw error;
    return found;
  }
}
