import type { ReportProgress } from '../shared/progress.ts';

/** Shows progress until it is disposed. */
export interface ProgressDisplay extends Disposable {
  readonly report: ReportProgress;
  /** Writes whole lines (log lines, say) so that they do not break what is drawn. */
  readonly write: (text: string) => void;
}
