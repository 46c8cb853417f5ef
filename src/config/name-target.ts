import type { PartialSettings } from './check-together.ts';
import type { Finding } from './find-value.ts';
import { mlflowSettings } from './mlflow-settings.ts';
import type { TrackingUri } from './parse-tracking-uri.ts';
import type { AnySetting } from './setting.ts';

/** A name without a URI is where to write: the default of the URI would be another place. */
export function nameTarget(
  values: { readonly mlflow: Pick<PartialSettings['mlflow'], 'serverName' | 'trackingUri'> },
  findings: ReadonlyMap<AnySetting, Finding>,
): void {
  const mlflow: { serverName: string | null | undefined; trackingUri: TrackingUri | undefined } =
    values.mlflow;
  if (!mlflow.serverName || findings.get(mlflowSettings.trackingUri)?.kind !== 'unset') return;
  mlflow.trackingUri = { kind: 'named', name: mlflow.serverName };
}

/**
 * Why a name and a URI cannot both hold; null where they may mean the same. The ARN of an App does not hold its name:
 * whether they agree is seen when it is opened.
 */
export function toNameConflict({
  serverName,
  trackingUri,
}: Pick<PartialSettings['mlflow'], 'serverName' | 'trackingUri'>): string | null {
  if (!serverName || trackingUri === undefined || trackingUri.kind === 'named') return null;
  if (trackingUri.kind !== 'sagemaker') {
    return 'is set together with MLFLOW_TRACKING_URI, which is another MLflow; unset one of them';
  }
  const agrees = trackingUri.resource === 'mlflow-app' || trackingUri.resourceId === serverName;
  return agrees
    ? null
    : `is set together with MLFLOW_TRACKING_URI, which is the tracking server ${trackingUri.resourceId}; unset one of them`;
}
