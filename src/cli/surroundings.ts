/** What the command line needs of the process, so that tests can hand over their own. */
import type { Clock } from '../shared/clock.ts';

export interface CliSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** Aborted with an AppError CANCELLED on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly readFile: (path: string) => string;
  readonly setExitCode: (code: number) => void;
}
