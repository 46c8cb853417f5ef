/** What a chat is told: each fault once, and when it is over. Pure. */
import type { MonitoredCommand } from './run-report.ts';

export interface Outcome {
  readonly command: MonitoredCommand;
  readonly exitCode: number;
  /** What went wrong, without secrets; empty after exit code 0. */
  readonly faults: readonly Fault[];
  readonly experiment: string;
}

export interface Fault {
  /** `LANGFUSE_AUTH`, … */
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

export interface Decision {
  /** Null: nothing is to be said. */
  readonly text: string | null;
  /** Faults that are told, once this is. */
  readonly told: readonly string[];
}

/** Someone stopped it, or the machine is going down: neither a fault nor the end of one. */
const stoppedCodes: ReadonlySet<number> = new Set([130, 143]);

/**
 * A fault is told when it is first met, and not again before a run has ended with 0, which is told once as well.
 * `told`: the codes of the faults that were told since the last run that did.
 */
export function decideMessage(outcome: Outcome, told: readonly string[]): Decision {
  if (stoppedCodes.has(outcome.exitCode)) return { text: null, told };
  const title = `langfuse-mlflow ${outcome.command} (experiment ${outcome.experiment})`;
  if (outcome.exitCode === 0) {
    const text = told.length === 0 ? null : `${title} works again; before: ${told.join(', ')}.`;
    return { text: text === null ? null : toSlackText(text), told: [] };
  }
  const fresh = outcome.faults.filter(
    ({ code }, index) =>
      !told.includes(code) && outcome.faults.findIndex((one) => one.code === code) === index,
  );
  if (fresh.length === 0) return { text: null, told };
  const lines = fresh.map(({ code, message, next }) => `${code}: ${toLine(message)} Next: ${next}`);
  return {
    text: toSlackText([`${title} ended with exit code ${outcome.exitCode}.`, ...lines].join('\n')),
    told: [...told, ...fresh.map(({ code }) => code)],
  };
}

const longestLine = 500;

function toLine(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  return line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line;
}

/** Nothing in a server's words may call a channel or become a link (https://docs.slack.dev/messaging/formatting-message-text). */
function toSlackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
