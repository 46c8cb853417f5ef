import type { ProgressEvent } from '../shared/progress.ts';
import { toIso } from '../shared/time.ts';

/** An event of a run as fields of a log line: names as in `--json`, times as ISO 8601, durations in milliseconds. */
export function toLogFields(event: ProgressEvent): Readonly<Record<string, unknown>> {
  const { kind, ...rest } = event;
  const fields: Record<string, unknown> = { event: kind };
  for (const [name, value] of Object.entries(rest) as [string, unknown][]) {
    // The command is on every line; the one of the event is the same.
    if (name === 'command') continue;
    fields[toSnakeCase(name)] = isInterval(value)
      ? { from: toIso(value.fromMs), to: toIso(value.toMs) }
      : value;
  }
  return fields;
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isInterval(value: unknown): value is { readonly fromMs: number; readonly toMs: number } {
  return typeof value === 'object' && value !== null && 'fromMs' in value && 'toMs' in value;
}
