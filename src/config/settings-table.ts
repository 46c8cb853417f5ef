import { awsSettings, backupCommands } from './aws-settings.ts';
import { contentSettings } from './content-settings.ts';
import {
  commandNames,
  measuringCommands,
  publishingCommands,
  stateCommands,
  syncingCommands,
} from './command-names.ts';
import { langfuseSettings } from './langfuse-settings.ts';
import { litellmSettings } from './litellm-settings.ts';
import { mlflowSettings } from './mlflow-settings.ts';
import { monitoringSettings } from './monitoring-settings.ts';
import { networkSettings } from './network-settings.ts';
import { durationBetween, parseDuration, renderDuration } from './parse-duration.ts';
import { parseStart } from './parse-day.ts';
import { parseModelAliases } from './parse-model-aliases.ts';
import { parseS3Url } from './parse-s3-url.ts';
import { choiceOf, parseFilePath } from './parse-simple.ts';
import { refusal } from './refusal.ts';
import { scheduleSettings } from './schedule-settings.ts';
import { optional, withDefault } from './setting.ts';

/** Window sizes: each divides a UTC day, so that windows never straddle midnight. */
const windowSizes = ['1h', '2h', '3h', '4h', '6h', '8h', '12h', '1d'] as const;

function parseWindowSize(text: string): number {
  const sizeMs = parseDuration(text);
  const isKnown = windowSizes.some((size) => parseDuration(size) === sizeMs);
  if (isKnown) return sizeMs;
  throw refusal(
    `must divide a day: one of ${windowSizes.join(', ')} (not ${renderDuration(sizeMs)})`,
  );
}

/**
 * Every setting there is, by the group that its value is found under.
 *
 * Types, flags, environment parsing, `.env.example` and docs/configuration.md come from this table;
 * after a change run `npm run generate`.
 */
export const settingsTable = {
  langfuse: langfuseSettings,
  litellm: litellmSettings,
  understanding: {
    origin: withDefault({
      env: ['SYNC_ORIGIN'],
      flag: '--origin',
      placeholder: 'ORIGIN',
      parse: choiceOf(['litellm', 'all']),
      default: 'litellm',
      commands: syncingCommands,
      description:
        'Which generations count: `litellm` (those that a LiteLLM gateway wrote) or `all` in the project.',
      allows: 'litellm or all',
      example: 'all',
    }),
    modelAliases: withDefault({
      env: ['SYNC_MODEL_ALIASES'],
      flag: '--model-aliases',
      placeholder: 'ALIASES',
      parse: parseModelAliases,
      default: '',
      commands: syncingCommands,
      description:
        'Names to count under another name, as `from=to,from2=to2` or a JSON object. Wins over every rule by which a model is recognised.',
      allows: 'from=to pairs separated by commas, or a JSON object',
      example: 'gpt-4o-2024-08-06=gpt-4o',
    }),
    file: optional({
      env: ['SYNC_SETTINGS_FILE'],
      flag: '--settings',
      placeholder: 'FILE',
      parse: parseFilePath,
      isReadableFile: true,
      commands: measuringCommands,
      description:
        'YAML file with metrics, dimensions, filters, and aliases and prices of models of your own; docs/custom-metrics.md.',
      allows: 'a path of a file that can be read',
      example: '/etc/langfuse-mlflow/custom.yaml',
    }),
    maxLatencyMs: withDefault({
      env: ['SYNC_MAX_LATENCY'],
      flag: '--max-latency',
      placeholder: 'DURATION',
      parse: durationBetween('1s', '30d'),
      default: '6h',
      commands: syncingCommands,
      description:
        'A longer latency is taken for a broken clock: the request is counted, its times are not.',
      allows: 'a duration from 1s to 30d',
      example: '1h',
    }),
  },
  windows: {
    sizeMs: withDefault({
      env: ['SYNC_WINDOW'],
      flag: '--window',
      placeholder: 'DURATION',
      parse: parseWindowSize,
      default: '1d',
      commands: [...syncingCommands, 'recover'],
      description: 'Length of a window (UTC) that is read, counted and published as one.',
      allows: windowSizes.join(', '),
      example: '6h',
    }),
    settleMs: withDefault({
      env: ['SYNC_SETTLE'],
      flag: '--settle',
      placeholder: 'DURATION',
      parse: durationBetween('0s', '7d'),
      default: '30m',
      commands: ['sync', 'schedule', 'status'],
      description: 'How far in the past a window must end before it is read for the first time.',
      allows: 'a duration up to 7d',
      example: '2h',
    }),
    lookbackMs: withDefault({
      env: ['SYNC_LOOKBACK'],
      flag: '--lookback',
      placeholder: 'DURATION',
      parse: durationBetween('0s', '90d'),
      default: '3d',
      commands: ['sync', 'schedule', 'status'],
      description:
        'How far back finished windows are read again for rows that came or changed late. Rounded up to whole windows; 0s never reads again.',
      allows: 'a duration up to 90d',
      example: '7d',
    }),
    factsRetentionMs: optional({
      env: ['SYNC_FACTS_RETENTION'],
      flag: '--facts-retention',
      placeholder: 'DURATION',
      parse: durationBetween('8d', '3650d'),
      commands: ['sync', 'schedule', 'backfill', 'status'],
      description:
        'Finished windows so much older than the newest are pruned from the state file at the end of a `sync` or `backfill` (not of one in shards): their calls, texts and scores, once their sessions have ended. What MLflow holds stays; what is needed again is read again from Langfuse, which must keep its data for longer than this. Unset: nothing is pruned.',
      allows:
        'a duration from 8d to 3650d, longer than SYNC_LOOKBACK, SYNC_WINDOW and a week together',
      example: '90d',
    }),
    startMs: withDefault({
      env: ['SYNC_START'],
      flag: '--start',
      placeholder: 'WHEN',
      parse: parseStart,
      default: '7d',
      commands: ['sync', 'schedule', 'status'],
      description:
        'Where the first sync begins: a UTC day, an instant, or a duration back from now. Rounded down to the start of a window; older windows are read by `backfill`.',
      allows: 'a day (2026-11-24), an instant (2026-11-24T06:00Z) or a duration; not in the future',
      example: '2026-11-01',
    }),
    emptyCheck: withDefault({
      env: ['SYNC_EMPTY_CHECK'],
      flag: '--empty-check',
      placeholder: 'CHECK',
      parse: choiceOf(['on', 'off']),
      default: 'on',
      commands: ['sync', 'schedule', 'backfill', 'verify'],
      description:
        'Whether a window without a call is compared with the other list of the same Langfuse (one request), and read again by the next sync while it lies between busy ones (`on`), or taken for empty (`off`).',
      allows: 'on or off',
      example: 'off',
    }),
    maxRuntimeMs: optional({
      env: ['SYNC_MAX_RUNTIME'],
      flag: '--max-runtime',
      placeholder: 'DURATION',
      parse: durationBetween('1s', '24d'),
      commands: publishingCommands,
      description:
        'Ends the run after this time: finished windows are kept, the one under way is dropped, and the exit code is 3.',
      allows: 'a duration from 1s to 24d',
      example: '50m',
    }),
  },
  mlflow: mlflowSettings,
  state: {
    file: withDefault({
      env: ['SYNC_STATE_FILE'],
      flag: '--state-file',
      placeholder: 'FILE',
      parse: parseFilePath,
      default: './langfuse-mlflow.db',
      commands: stateCommands,
      description:
        'SQLite file that holds windows, facts and the ledger of runs. Keep it on a local disk that survives the worker.',
      allows: 'a path',
      example: '/data/langfuse-mlflow.db',
    }),
    backup: optional({
      env: ['SYNC_STATE_BACKUP'],
      flag: '--state-backup',
      placeholder: 'S3_URL',
      parse: parseS3Url,
      commands: backupCommands,
      description:
        'Object of S3 that holds a copy of the state file: taken when the file is missing or older, and written again after each run. For workers whose disk does not survive them.',
      allows: 's3://BUCKET/KEY',
      example: 's3://my-bucket/langfuse-mlflow.db.gz',
    }),
  },
  aws: awsSettings,
  network: networkSettings,
  content: contentSettings,
  schedule: scheduleSettings,
  monitoring: monitoringSettings,
  log: {
    level: withDefault({
      env: ['SYNC_LOG_LEVEL'],
      flag: '--log-level',
      placeholder: 'LEVEL',
      parse: choiceOf(['debug', 'info', 'warn', 'error', 'silent']),
      default: 'info',
      commands: commandNames,
      description: 'The least important line that is still logged (to stderr).',
      allows: 'debug, info, warn, error or silent',
      example: 'debug',
    }),
    format: withDefault({
      env: ['SYNC_LOG_FORMAT'],
      flag: '--log-format',
      placeholder: 'FORMAT',
      parse: choiceOf(['auto', 'pretty', 'json']),
      default: 'auto',
      commands: commandNames,
      description:
        'How log lines look: `json` (one object a line), `pretty` (for people), or `auto`: pretty on a terminal, else json.',
      allows: 'auto, pretty or json',
      example: 'json',
    }),
  },
} as const;
