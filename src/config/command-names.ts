/** Every command that takes settings. */
export const commandNames = [
  'sync',
  'backfill',
  'schedule',
  'merge',
  'status',
  'report',
  'verify',
  'recover',
  'doctor',
  'smoke',
  'tracking-server',
  'litellm',
  'demo',
] as const;
export type CommandName = (typeof commandNames)[number];

/** Commands that read windows and publish them, or read them to compare. */
export const syncingCommands = [
  'sync',
  'schedule',
  'backfill',
  'verify',
] as const satisfies readonly CommandName[];

/** Commands that count, or must know what was counted. */
export const measuringCommands = [
  ...syncingCommands,
  'report',
  'recover',
  'merge',
] as const satisfies readonly CommandName[];

/** Commands that say what runs hold, and how it is shown. */
export const publishingCommands = [
  ...syncingCommands,
  'merge',
] as const satisfies readonly CommandName[];

/** Commands that reach Langfuse. */
export const readingCommands = [
  'sync',
  'schedule',
  'backfill',
  'verify',
  'recover',
  'doctor',
  'smoke',
] as const satisfies readonly CommandName[];

/** Commands that reach MLflow. */
export const writingCommands = [
  'sync',
  'schedule',
  'backfill',
  'merge',
  'verify',
  'recover',
  'doctor',
  'smoke',
  'demo',
] as const satisfies readonly CommandName[];

/** Commands that reach anything outside this machine. */
export const networkCommands = [
  ...readingCommands,
  'merge',
  'tracking-server',
  'litellm',
] as const satisfies readonly CommandName[];

/** Commands that open the state file. */
export const stateCommands = [
  'sync',
  'schedule',
  'backfill',
  'merge',
  'status',
  'report',
  'verify',
  'recover',
  'doctor',
] as const satisfies readonly CommandName[];
