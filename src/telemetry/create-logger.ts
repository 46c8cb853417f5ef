import { pino, type Logger as PinoLogger } from 'pino';
import { describeError } from './describe-error.ts';
import { hideSecrets } from './hide-secrets.ts';
import { toPrintableJson, toSafeJson } from './to-safe-line.ts';

export type Logger = PinoLogger;

/**
 * A logger that writes whole lines to `write` at once (nothing is buffered, so nothing is lost when the
 * worker ends): JSON lines, or coloured ones for people with `pretty`. `auto` is pretty on a terminal.
 *
 * Errors go under the key `err`. `secrets` are taken out of every line; log `Settings`, never `Secrets`.
 */
export async function createLogger({
  level,
  format,
  write,
  isTerminal,
  secrets,
  bindings = {},
}: {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  format: 'auto' | 'pretty' | 'json';
  write: (text: string) => void;
  isTerminal: boolean;
  secrets: readonly string[];
  /** What every line holds, such as the id of the run. */
  bindings?: Readonly<Record<string, string>>;
}): Promise<Logger> {
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const toLine = isPretty ? await loadPrettifier({ isTerminal }) : toSafeJson;
  return pino(
    {
      level,
      // Host and process id say nothing in a container's or cron's own log.
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => describeError(error) },
    },
    { write: (line: string) => write(toLine(hideSecrets(line, secrets))) },
  );
}

/** Loaded only where it is used: it takes longer to load than the rest of the worker. */
async function loadPrettifier({
  isTerminal,
}: {
  isTerminal: boolean;
}): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const print = prettyFactory({
    colorize: isTerminal,
    translateTime: 'HH:MM:ss',
    ignore: 'pid,hostname,run_id,command',
  });
  return (line) => print(toPrintableJson(line));
}
