/** Every command that takes settings. */
export const commandNames = ['sync', 'backfill', 'status', 'doctor', 'demo'] as const;
export type CommandName = (typeof commandNames)[number];

/** Commands that read windows and publish them. */
export const syncingCommands = ['sync', 'backfill'] as const satisfies readonly CommandName[];

/** Commands that reach Langfuse. */
export const readingCommands = [
  'sync',
  'backfill',
  'doctor',
] as const satisfies readonly CommandName[];

/** Commands that reach MLflow. */
export const writingCommands = [
  'sync',
  'backfill',
  'doctor',
  'demo',
] as const satisfies readonly CommandName[];

/** Commands that open the state file. */
export const stateCommands = [
  'sync',
  'backfill',
  'status',
  'doctor',
] as const satisfies readonly CommandName[];
