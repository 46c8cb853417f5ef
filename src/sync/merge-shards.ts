/** `merge`: folds the state files of a sharded backfill into one, then publishes what spans shards. */
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { keepsText } from '../redact/text-mode.ts';
import { sourceTag, windowTag } from '../runs/tags.ts';
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { toWindowLabel } from '../shared/time.ts';
import { foldShards } from '../store/fold-shards.ts';
import { makeStateFile } from '../store/merged-file.ts';
import { openExistingState, openState, toStateError, type State } from '../store/open-state.ts';
import { isMergedFrom, putMerge } from '../store/shard.ts';
import { bindSource, type SourceRow } from '../store/windows.ts';
import { checkShards, type CheckedShards } from './check-shards.ts';
import { keepLease } from './keep-lease.ts';
import type { Target } from './ports.ts';
import type { SyncSettings } from './sync-settings.ts';
import { splitIntoWindows } from './windows.ts';

export interface MergeParts {
  /** State files of the shards, in any order. */
  readonly files: readonly string[];
  /** The file to make. */
  readonly out: string;
  readonly target: Target;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly holder: string;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
}

export interface MergedFile {
  readonly source: SourceRow;
  readonly shards: number;
  readonly windows: number;
  readonly range: CheckedShards['range'];
  /** The file was made by an earlier merge of the same shards. */
  readonly wasThere: boolean;
}

/**
 * Makes `out` from the shards, whole or not at all, and changes nothing in MLflow: what is due is then published by a
 * run over `out`. Does nothing when `out` was made of the same shards before. Holds the lease of every shard meanwhile.
 * Throws MERGE_REFUSED, MERGE_INCOMPLETE, STATE_* and MLFLOW_*.
 */
export async function mergeShards(parts: MergeParts): Promise<MergedFile> {
  assertDistinct(parts);
  const opened: Disposable[] = [];
  try {
    const states = parts.files.map((file) => {
      // Would be made if it were not there.
      openExistingState(file)[Symbol.dispose]();
      const state = openState(file);
      opened.push(state, keepLease(state, parts));
      return state;
    });
    const checked = checkShards(states);
    assertSamePlace(parts, checked);
    const wasThere = existsSync(parts.out);
    if (wasThere) assertMadeOf(parts.out, checked);
    else {
      await refuseStrangers(parts, checked);
      make(parts, checked);
    }
    const { source, shards, windows, range } = checked;
    return { source, shards: shards.length, windows, range, wasThere };
  } finally {
    for (const one of opened.toReversed()) one[Symbol.dispose]();
  }
}

function make(parts: MergeParts, checked: CheckedShards): void {
  const { source, shards, range, digest } = checked;
  const { privacy } = parts.settings;
  const path = resolve(parts.out);
  try {
    makeStateFile(path, (out) => {
      bindSource(out, {
        source: source.source,
        name: source.name,
        baseUrl: source.base_url,
        windowMs: source.window_ms,
        startMs: range.fromMs,
      });
      foldShards(out, {
        source: source.source,
        shards,
        keepsText: (generation) => keepsText(privacy.text, generation),
        onWindow: () => parts.signal.throwIfAborted(),
      });
      putMerge(out, { digest, mergedMs: parts.clock.now() });
    });
  } catch (error) {
    throw parts.signal.aborted ? error : toStateError(error, path);
  }
}

function assertDistinct({ files, out }: MergeParts): void {
  const seen = new Set(existsSync(out) ? [realpathSync(out)] : []);
  for (const file of files) {
    const path = existsSync(file) ? realpathSync(file) : resolve(file);
    if (path === resolve(out) || seen.has(path)) {
      throw new AppError(
        'MERGE_REFUSED',
        path === resolve(out) || (existsSync(out) && path === realpathSync(out))
          ? `${file} is both a shard and the file to make (--state-file).`
          : `${file} is named twice.`,
      );
    }
    seen.add(path);
  }
}

function assertSamePlace({ target, settings }: MergeParts, checked: CheckedShards): void {
  const { uri, experiment_name: name } = checked.target;
  if (uri === target.description.uri && name === settings.experimentName) return;
  throw new AppError(
    'MERGE_REFUSED',
    `The shards have written to experiment ${name} at ${uri}, and the settings name ${settings.experimentName} at ${target.description.uri}.`,
    { hint: 'Give merge the MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME of the shards.' },
  );
}

function assertMadeOf(out: string, { digest }: CheckedShards): void {
  using state: State = openState(out);
  if (isMergedFrom(state, digest)) return;
  throw new AppError(
    'MERGE_REFUSED',
    `The state file ${state.path} is there already, and was not merged from these shards as they are now.`,
  );
}

/** Another state file answers for windows beside those of the shards: two would write one session and one trend. */
async function refuseStrangers(
  { target, settings }: MergeParts,
  checked: CheckedShards,
): Promise<void> {
  const experiment = await target.findExperiment(settings.experimentName);
  if (experiment === null) return;
  const { source, range } = checked;
  const own = new Set(
    splitIntoWindows({ ...range, windowMs: source.window_ms }).map(toWindowLabel),
  );
  for await (const run of target.listRuns(experiment.experimentId)) {
    const window = run.tags[windowTag];
    if (run.tags[sourceTag] !== source.source || window === undefined || own.has(window)) continue;
    throw new AppError(
      'MERGE_REFUSED',
      `The experiment ${experiment.name} also holds runs of window ${window}, which is none of the shards': another state file has written there.`,
      {
        hint: 'Run the sharded backfill into an experiment of its own, or read the range by a backfill with that other state file.',
        details: { experimentId: experiment.experimentId, runId: run.runId },
      },
    );
  }
}
