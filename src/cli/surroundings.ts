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
  /** True when `--json` is among the arguments: stdout then gets one JSON object and nothing else. */
  readonly isJson: boolean;
  /** Writes one JSON object to stdout; a second one is dropped. */
  readonly printJson: (value: Readonly<Record<string, unknown>>) => void;
  /** Keys, passwords and tokens known so far; they are taken out of whatever is said about a failure. */
  readonly secrets: Set<string>;
  /** The first code other than 0 stays. */
  readonly setExitCode: (code: number) => void;
}
