import { toVisibleText } from '../report/visible-text.ts';
import type { ManagedMlflow } from '../sagemaker/managed-mlflow.ts';

export function renderInfo(found: ManagedMlflow): string {
  const rows: readonly (readonly [string, string | null])[] = [
    ['name', found.name],
    ['kind', found.kind],
    ['arn', found.arn],
    ['status', `${found.status}${found.isUsable ? '' : ' (answers no requests)'}`],
    ['url', found.url],
    ['version', found.mlflowVersion],
    ['size', found.size],
    ['artifacts', found.artifactStore],
    ['maintenance', found.maintenance],
    ['window', found.maintenanceWindow],
    ['role', found.roleArn],
    ['created', found.createdAt],
    ['modified', found.modifiedAt],
  ];
  return rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${toVisibleText(`${name.padEnd(12)} ${value}`)}\n`)
    .join('');
}

/** Lines for a `.env`: the ARN is the tracking URI, never an address or a presigned link. */
export function renderEnv(found: ManagedMlflow): string {
  const region = found.arn.split(':')[3] ?? '';
  return toVisibleText(`MLFLOW_TRACKING_URI=${found.arn}\nAWS_REGION=${region}\n`);
}

export function toInfoJson(found: ManagedMlflow): Record<string, unknown> {
  return {
    name: found.name,
    kind: found.kind,
    arn: found.arn,
    url: found.url,
    status: found.status,
    usable: found.isUsable,
    mlflow_version: found.mlflowVersion,
    size: found.size,
    artifact_store: found.artifactStore,
    maintenance: found.maintenance,
    maintenance_window: found.maintenanceWindow,
    role_arn: found.roleArn,
    created_at: found.createdAt,
    modified_at: found.modifiedAt,
  };
}
