import type { ManagedKind } from './iam-policy.ts';

/** A managed MLflow as the control plane describes it, in one shape for both kinds. */
export interface ManagedMlflow {
  readonly name: string;
  readonly arn: string;
  readonly kind: ManagedKind;
  /** Of a tracking server alone; an App is reached at its region's address by its ARN. */
  readonly url: string | null;
  /** Such as `Created`, `Stopping`, `StartFailed`; AWS's own word. */
  readonly status: string;
  /** True when requests are answered. */
  readonly isUsable: boolean;
  readonly mlflowVersion: string | null;
  /** `Small`, `Medium` or `Large`; null for an App. */
  readonly size: string | null;
  /** `s3://bucket/prefix` */
  readonly artifactStore: string | null;
  readonly maintenance: string | null;
  /** `Tue:03:30`, UTC. */
  readonly maintenanceWindow: string | null;
  readonly roleArn: string | null;
  readonly kmsKeyArn: string | null;
  /** ISO 8601 */
  readonly createdAt: string | null;
  readonly modifiedAt: string | null;
}

/** How one is named to the control plane. An App has an ARN and a name, but no name in its ARN. */
export type ManagedRef =
  | { readonly kind: 'tracking-server'; readonly name: string }
  | { readonly kind: 'app'; readonly arn: string };

/** As an ARN names it, which `MLFLOW_TRACKING_URI` holds. */
export function toManagedRef(uri: {
  readonly arn: string;
  readonly resource: 'mlflow-tracking-server' | 'mlflow-app';
  readonly resourceId: string;
}): ManagedRef {
  return uri.resource === 'mlflow-app'
    ? { kind: 'app', arn: uri.arn }
    : { kind: 'tracking-server', name: uri.resourceId };
}

const usableStatuses = new Set([
  'Created',
  'Started',
  'Updated',
  'UpdateFailed',
  'StopFailed',
  'MaintenanceComplete',
]);

const passingStatuses = new Set([
  'Creating',
  'Starting',
  'Stopping',
  'Updating',
  'Deleting',
  'MaintenanceInProgress',
]);

/** `isActive`: what a tracking server says of itself; an App says nothing. */
export function isUsableStatus(status: string, isActive: string | undefined): boolean {
  return isActive === undefined ? usableStatuses.has(status) : isActive === 'Active';
}

/** True for a status that another one will follow by itself. */
export function isPassing(status: string): boolean {
  return passingStatuses.has(status);
}
