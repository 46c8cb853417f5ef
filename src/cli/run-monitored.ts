/** Runs a command and tells the receivers of the settings how it went. */
import { openConfiguredStateToRead } from '../app.ts';
import type { CallMeter } from '../monitor/call-meter.ts';
import type { LogTail } from '../monitor/log-tail.ts';
import { toMemoryPath } from '../monitor/memory.ts';
import type { MonitoredCommand, Standing } from '../monitor/run-report.ts';
import { tellEnd, tellStart, type Receivers } from '../monitor/tell-run.ts';
import type { Fault } from '../monitor/webhook-message.ts';
import { ExitCode, toAppError, type AppError } from '../shared/errors.ts';
import { readVersion } from '../shared/version.ts';
import { toExitCode } from './report-failure.ts';
import { toStopped } from './to-stopped.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

export interface Monitored {
  readonly command: MonitoredCommand;
  readonly runId: string;
  readonly meter: CallMeter;
  readonly tail: LogTail;
}

/** Returns and throws what `run` does; what becomes of the telling changes neither. */
export async function runMonitored(
  command: CommandRun,
  monitored: Monitored,
  run: (command: CommandRun) => Promise<CommandResult>,
): Promise<CommandResult> {
  const receivers = toReceivers(command);
  const startMs = command.clock.now();
  await tellStart(receivers, monitored);
  const end = async (ended: {
    readonly exitCode: number;
    readonly result: CommandResult | null;
    readonly faults: readonly Fault[];
  }): Promise<void> => {
    const endMs = command.clock.now();
    const { exitCode, result, faults } = ended;
    if (command.settings.log.format === 'json') {
      const level = exitCode === ExitCode.done ? 'info' : 'error';
      command.logger[level](
        { exit_code: exitCode, duration_ms: endMs - startMs, ...result?.figures },
        `${monitored.command} ended with exit code ${exitCode}`,
      );
    }
    await tellEnd(receivers, {
      report: {
        command: monitored.command,
        runId: monitored.runId,
        startMs,
        endMs,
        exitCode,
        figures: result?.figures ?? {},
        calls: monitored.meter.read(),
        standing: await readStanding(command),
      },
      faults,
      lastLines: monitored.tail.read(),
    });
  };
  try {
    const result = await run(command);
    const stopped = toStopped(command.signal);
    const exitCode = stopped === null ? result.exitCode : toExitCode(stopped);
    await end({ exitCode, result, faults: result.faults ?? [] });
    return result;
  } catch (failure) {
    const error = toStopped(command.signal) ?? toAppError(failure);
    const fault = toFault(error, command.hide);
    monitored.tail.add(`error: ${fault.message}\nnext:  ${fault.next}`);
    await end({ exitCode: toExitCode(error), result: null, faults: [fault] });
    throw failure;
  }
}

export function toFault(error: AppError, hide: (text: string) => string): Fault {
  return { code: error.code, message: hide(error.message), next: error.hint };
}

function toReceivers({ settings, secrets, logger }: CommandRun): Receivers {
  return {
    metricsFile: settings.monitoring.metricsFile,
    pushgatewayUrl: secrets.pushgatewayUrl,
    pingUrl: secrets.pingUrl,
    webhookUrl: secrets.webhookUrl,
    memoryPath: toMemoryPath(settings.state.file),
    version: readVersion(),
    experiment: settings.mlflow.experimentName,
    onFailure: (message, error) => logger.warn(error === undefined ? {} : { err: error }, message),
  };
}

/** Null where the state file can't be read: that is told by the command itself. */
async function readStanding({ settings, clock }: CommandRun): Promise<Standing | null> {
  const { readStatus } = await import('../sync/read-status.ts');
  try {
    using state = openConfiguredStateToRead(settings);
    if (!state.isMigrated) return null;
    const [status] = readStatus(state, {
      nowMs: clock.now(),
      settleMs: settings.windows.settleMs,
    });
    if (status === undefined) return null;
    const used = status.targets.find(({ isInUse }) => isInUse);
    return {
      watermarkMs: used?.watermarkMs ?? null,
      behindMs: used?.behindMs ?? null,
      quarantinedRows: status.quarantine.length,
    };
  } catch {
    return null;
  }
}
