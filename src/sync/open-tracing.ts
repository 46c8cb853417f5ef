/** What is needed to write traces, where they are asked for and MLflow takes them. */
import type { Clock } from '../shared/clock.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { openLedger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import type { DescribedSource } from './described-source.ts';
import type { Experiment, Target } from './ports.ts';
import { recoverTraces, type TracePublishing } from './publish-traces.ts';
import type { SyncSettings } from './sync-settings.ts';

/** Null where traces are off, or MLflow takes none, which is said. Throws AppError (MLFLOW_*). */
export async function openTracing(parts: {
  readonly state: State;
  readonly target: Target;
  readonly targetId: number;
  readonly experiment: Experiment;
  readonly source: DescribedSource;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  readonly assertHeld: () => void;
}): Promise<TracePublishing | null> {
  const { settings, target } = parts;
  if (settings.traces.kind === 'off') return null;
  const writer = target.traces;
  const obstacle =
    writer === undefined ? 'there is no server to write them to' : await writer.findObstacle();
  if (writer === undefined || obstacle !== null) {
    parts.report({ kind: 'traces_skipped', reason: obstacle ?? '' });
    return null;
  }
  const tracing: TracePublishing = {
    ...parts,
    writer,
    ledger: openLedger(parts.state, parts.targetId, parts.assertHeld),
    traces: settings.traces,
    concurrency: settings.publishConcurrency,
  };
  await recoverTraces(tracing, settings.windowMs);
  return tracing;
}
