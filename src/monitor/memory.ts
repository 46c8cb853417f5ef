/**
 * What monitoring remembers from one run to the next: a small file beside the state file, so that it can be read and
 * written also when the state file can not.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const memorySchema = z.object({
  /** When `schedule` last started a run; epoch milliseconds. */
  last_start_ms: z.int().nonnegative().nullable().catch(null),
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
  const draft = `${path}.${process.pid}.tmp`;
  const memory = { ...readMemory(path), ...change };
  writeFileSync(draft, `${JSON.stringify(memory)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}
