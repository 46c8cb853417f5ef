/** The MLflow that a tracking URI means. */
import { AppError } from '../shared/errors.ts';
import type { Target } from '../sync/ports.ts';
import type { ArtifactWriters } from './artifact-uri.ts';
import { openLocalTarget } from './local-target.ts';
import type { RestSettings } from './rest-settings.ts';
import { openRestTarget } from './rest-target.ts';

/** Settings of any target; a local store needs the tracking URI, the timeout and the clock of them. */
export type TargetSettings = RestSettings;

/**
 * Opens an MLflow server (http, https) or a local store (`sqlite:///file`). Throws SETTINGS_INVALID for
 * any other URI, saying what to write instead; else as {@link openRestTarget} and {@link openLocalTarget}.
 * `artifactWriters`: for places beside the server's own proxy.
 */
export async function openTarget(
  settings: TargetSettings,
  artifactWriters: ArtifactWriters = {},
): Promise<Target> {
  const uri = settings.trackingUri.trim();
  const kind = toTargetKind(uri);
  if (kind === 'rest') return openRestTarget(settings, artifactWriters);
  if (settings.workspace !== undefined && settings.workspace !== 'default') {
    throw new AppError(
      'SETTINGS_INVALID',
      'MLFLOW_WORKSPACE needs an MLflow server: a plain mlflow ui refuses to open a file with other workspaces than default.',
    );
  }
  return openLocalTarget(settings);
}

/** Which adapter a tracking URI needs. Throws SETTINGS_INVALID when there is none. The message never repeats the URI. */
export function toTargetKind(trackingUri: string): 'rest' | 'local' {
  const uri = trackingUri.trim();
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase() ?? 'file';
  if (scheme === 'http' || scheme === 'https') return 'rest';
  if (scheme === 'sqlite') return 'local';
  throw new AppError('SETTINGS_INVALID', `MLFLOW_TRACKING_URI ${toRefusal(scheme)}`);
}

function toRefusal(scheme: string): string {
  if (scheme === 'arn')
    return 'is an ARN of a SageMaker MLflow server, whose requests must be signed.';
  if (scheme === 'file') {
    return 'is a folder; MLflow refuses file stores (./mlruns) from 3.13 on. Write sqlite:///mlflow.db for a local file, or the http address of an MLflow server.';
  }
  if (/^(?:sqlite|postgres|postgresql|mysql|mssql)(?:\+|$)/.test(scheme)) {
    return `names a ${scheme} database; the worker writes to one through an MLflow server only. Start "mlflow server --backend-store-uri …" on it and give its http address.`;
  }
  if (scheme === 'databricks')
    return 'names Databricks, which is not supported; give an http(s) address.';
  return `begins with ${scheme}:, which is neither an http(s) address nor sqlite:///.`;
}
