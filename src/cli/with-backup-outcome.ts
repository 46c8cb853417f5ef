import type { Backup, BackupOutcome } from '../backup/open-backup.ts';
import { toVisibleText } from '../report/visible-text.ts';
import { ExitCode } from '../shared/errors.ts';
import { toErrorJson } from './report-failure.ts';
import type { CommandResult } from './with-settings.ts';

/**
 * Adds to what a run has to say what became of the copy of its state. A copy that was not written changes nothing
 * about the run but its exit code: 75 where it would have been 0.
 */
export function withBackupOutcome<Result extends CommandResult>(
  result: Result,
  kept: {
    readonly backup: Pick<Backup, 'url' | 'leaseTakenFrom'>;
    readonly outcome: BackupOutcome;
    readonly hide: (text: string) => string;
  },
): Result {
  const { backup, outcome, hide } = kept;
  const { url, leaseTakenFrom } = backup;
  const place = { url, lease_taken_from: leaseTakenFrom };
  const takenOver =
    leaseTakenFrom === null
      ? ''
      : `Took over the copy in ${url} from ${toVisibleText(leaseTakenFrom)}, which let its lease run out\n`;
  if (outcome.kind === 'written') {
    const { generation, sizeBytes } = outcome;
    return {
      ...result,
      text: `${result.text}${takenOver}Backup    generation ${generation} in ${url}, ${toMegabytes(sizeBytes)}\n`,
      json: { ...result.json, backup: { ...place, generation, size_bytes: sizeBytes } },
    };
  }
  const { error } = outcome;
  const lines = [
    '',
    `BACKUP    the copy of the state in ${url} is behind: ${toVisibleText(hide(error.message))}`,
    '          What this run published stands, and nothing in MLflow is lost.',
    `  next:   ${error.hint}`,
  ];
  return {
    ...result,
    exitCode: result.exitCode === ExitCode.done ? ExitCode.tryAgainLater : result.exitCode,
    text: `${result.text}${takenOver}${lines.join('\n')}\n`,
    json: { ...result.json, backup: { ...place, error: toErrorJson(error, hide) } },
  };
}

function toMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
