/**
 * What monitoring remembers from one run to the next: a small file beside the state file, so that it can be read and
 * written also when the state file can not.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { privateMode } from '../shared/private-file.ts';
import { writeWhole } from '../shared/write-whole.ts';
import { monitoredCommands, runReportSchema } from './run-report.ts';

const memorySchema = z.object({
  /** When `schedule` last started a run; epoch milliseconds. */
  last_start_ms: z.int().nonnegative().nullable().catch(null),
  /** The last run of each command. */
  runs: z.partialRecord(z.enum(monitoredCommands), runReportSchema).catch({}),
  /** When a run of each command last ended with 0; epoch milliseconds. */
  last_success_ms: z.partialRecord(z.enum(monitoredCommands), z.int().nonnegative()).catch({}),
  /** Faults of each command that were told since it last ended with 0. */
  told_faults: z.partialRecord(z.enum(monitoredCommands), z.array(z.string())).catch({}),
});

export type MonitorMemory = z.infer<typeof memorySchema>;

/** `langfuse-mlflow.db.monitor.json` */
export function toMemoryPath(stateFile: string): string {
  return `${stateFile}.monitor.json`;
}

/** What is remembered; nothing where there is no file, or one that can't be understood. */
export function readMemory(path: string): MonitorMemory {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return memorySchema.parse({});
  }
  try {
    const parsed = memorySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : memorySchema.parse({});
  } catch {
    return memorySchema.parse({});
  }
}

/** Changes some of it. Written beside and renamed: a reader never sees half of it. Throws as node:fs does. */
export function changeMemory(path: string, change: Partial<MonitorMemory>): void {
  const text = `${JSON.stringify({ ...readMemory(path), ...change })}\n`;
  writeWhole({ path, text, mode: privateMode });
}
