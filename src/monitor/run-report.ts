/** What monitoring is told of a run, and remembers of the last one of each command. */
import { z } from 'zod';

export const monitoredCommands = ['sync', 'backfill', 'verify'] as const;
export type MonitoredCommand = (typeof monitoredCommands)[number];

const count = z.int().nonnegative();

/** What a run counted itself; null where it ended before it could. */
const figuresSchema = z.object({
  windows: z.object({ changed: count, unchanged: count, failed: count }).optional(),
  rows: count.optional(),
  generations: count.optional(),
  mlflowRuns: z
    .object({ created: count, updated: count, unchanged: count, deleted: count })
    .optional(),
  /** Drift that is left after a `verify`. */
  drift: z.object({ windows: count, runs: count }).optional(),
  retries: z.object({ langfuse: count, mlflow: count }).optional(),
  waitedMs: count.optional(),
});
export type RunFigures = z.infer<typeof figuresSchema>;

/** How far the project is, by the state file after the run. */
const standingSchema = z.object({
  /** Null before anything was published. */
  watermarkMs: count.nullable(),
  /** Settled time that is not published. */
  behindMs: count.nullable(),
  quarantinedRows: count,
});
export type Standing = z.infer<typeof standingSchema>;

/** One line for each API and status; `none`: no answer came. */
const callSchema = z.object({
  api: z.enum(['langfuse', 'mlflow']),
  status: z.string(),
  calls: count,
});
export type CallCount = z.infer<typeof callSchema>;

export const runReportSchema = z.object({
  command: z.enum(monitoredCommands),
  runId: z.string(),
  startMs: count,
  endMs: count,
  exitCode: count,
  figures: figuresSchema,
  calls: z.array(callSchema),
  /** Null where there is no state file to read. */
  standing: standingSchema.nullable(),
});
export type RunReport = z.infer<typeof runReportSchema>;
