/** Where news goes, made of the URLs of the settings. Pure. */
import type { MonitoredCommand } from './run-report.ts';

/**
 * The ping of a run in the manner of healthchecks.io (https://healthchecks.io/docs/http_api/): `/start` when it begins,
 * then the plain address for success or `/<exit code>`; `rid` tells which start an end belongs to.
 */
export function toPingUrl(
  base: string,
  ping: { readonly runId: string; readonly event: 'start' | number },
): URL {
  const url = new URL(base);
  if (ping.event !== 0) url.pathname = `${url.pathname.replace(/\/+$/, '')}/${ping.event}`;
  url.searchParams.set('rid', ping.runId);
  return url;
}

/**
 * The group of a command in a Pushgateway (https://github.com/prometheus/pushgateway#url): of the job `langfuse_mlflow`,
 * or of the job and labels that the setting names itself.
 */
export function toPushUrl(base: string, command: MonitoredCommand): URL {
  const url = new URL(base);
  const path = url.pathname.replace(/\/+$/, '');
  const group = /\/metrics\/job(@base64)?\//.test(path)
    ? path
    : `${path}/metrics/job/langfuse_mlflow`;
  url.pathname = `${group}/command/${command}`;
  return url;
}
