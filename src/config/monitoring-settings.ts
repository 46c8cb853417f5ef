import { syncingCommands } from './command-names.ts';
import { parseFilePath } from './parse-simple.ts';
import { refusal } from './refusal.ts';
import { optional, secret } from './setting.ts';

/** http or https; what follows the host may be a key. Throws AppError SETTINGS_INVALID with the reason alone. */
function parseReceiverUrl(text: string): string {
  if (!/^https?:\/\/./i.test(text)) throw refusal('must begin with https:// or http://');
  if (!URL.canParse(text)) throw refusal('is not a URL');
  return text;
}

/** Who is told how a run went. */
export const monitoringSettings = {
  metricsFile: optional({
    env: ['SYNC_METRICS_FILE'],
    flag: '--metrics-file',
    placeholder: 'FILE',
    parse: parseFilePath,
    commands: syncingCommands,
    description:
      "File that the metrics of the last runs are written to after each run, for the textfile collector of Prometheus' node_exporter.",
    allows: 'a path; the collector reads names that end in .prom',
    example: '/var/lib/node_exporter/langfuse-mlflow.prom',
  }),
  pushgatewayUrl: secret({
    env: ['SYNC_PUSHGATEWAY_URL'],
    fileFlag: '--pushgateway-url-file',
    parse: parseReceiverUrl,
    commands: syncingCommands,
    description:
      'Prometheus Pushgateway that the metrics of a run are pushed to, as job langfuse_mlflow, or as what the path names (/metrics/job/NAME/LABEL/VALUE).',
    allows: 'an http or https URL, with user name and password where it asks for them',
    example: 'http://pushgateway:9091',
  }),
  pingUrl: secret({
    env: ['SYNC_PING_URL'],
    fileFlag: '--ping-url-file',
    parse: parseReceiverUrl,
    commands: syncingCommands,
    description:
      'Check of healthchecks.io, or of what understands its pings: told of the start, the exit code and the last log lines of each run.',
    allows: 'an http or https URL',
    example: 'https://hc-ping.com/00000000-0000-0000-0000-000000000000',
  }),
  webhookUrl: secret({
    env: ['SYNC_WEBHOOK_URL'],
    fileFlag: '--webhook-url-file',
    parse: parseReceiverUrl,
    commands: syncingCommands,
    description:
      'Incoming webhook of Slack, or of what takes the same {"text": …}: told of each fault once, and when it is over.',
    allows: 'an http or https URL',
    example: 'https://hooks.slack.example.com/services/T000/B000/XXXX',
  }),
} as const;
