import type { SageMakerClient, SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import { openAwsTransport } from '../shared/aws-transport.ts';
import { AppError } from '../shared/errors.ts';
import type { Proxies } from '../shared/proxies.ts';
import { toControlError, type ControlCall } from './control-plane-errors.ts';
import type { ManagedMlflow, ManagedRef } from './managed-mlflow.ts';
import { isUsableStatus } from './managed-mlflow.ts';

export interface ControlPlaneSettings {
  readonly region: string;
  /** The usual chain of AWS where it is left out. */
  readonly credentials?: SageMakerClientConfig['credentials'];
  /** Another address than AWS's; null for AWS's own. */
  readonly endpoint: string | null;
  /** Absent or null for none. */
  readonly proxies?: Proxies | null | undefined;
  readonly signal: AbortSignal;
}

/** What SageMaker's API knows of a managed MLflow. Each call throws SAGEMAKER_* and names the IAM action it needs. */
export interface ControlPlane extends Disposable {
  describe(ref: ManagedRef): Promise<ManagedMlflow>;
  listApps(): Promise<readonly { readonly name: string; readonly arn: string }[]>;
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  /** A secret: whoever has the link is signed in, once. */
  presignedUrl(
    ref: ManagedRef,
    life: { readonly expiresInSeconds: number; readonly sessionSeconds: number },
  ): Promise<string>;
}

/** The SDK is large, so it is loaded here and not before. */
export async function openControlPlane(settings: ControlPlaneSettings): Promise<ControlPlane> {
  const sdk = await import('@aws-sdk/client-sagemaker');
  const { region, credentials, endpoint, signal } = settings;
  const client: SageMakerClient = new sdk.SageMakerClient({
    region,
    maxAttempts: 5,
    ...(await openAwsTransport(settings.proxies)),
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === null ? {} : { endpoint }),
  });
  const options = { abortSignal: signal };

  async function call<T>(what: ControlCall, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toControlError(error, { ...what, region });
    }
  }

  async function describeServer(name: string): Promise<ManagedMlflow> {
    const server = await call(
      { action: 'sagemaker:DescribeMlflowTrackingServer', resource: `tracking server ${name}` },
      () =>
        client.send(
          new sdk.DescribeMlflowTrackingServerCommand({ TrackingServerName: name }),
          options,
        ),
    );
    const status = server.TrackingServerStatus ?? 'Unknown';
    return {
      name: server.TrackingServerName ?? name,
      arn: server.TrackingServerArn ?? '',
      kind: 'tracking-server',
      url: server.TrackingServerUrl ?? null,
      status,
      isUsable: isUsableStatus(status, server.IsActive),
      mlflowVersion: server.MlflowVersion ?? null,
      size: server.TrackingServerSize ?? null,
      artifactStore: server.ArtifactStoreUri ?? null,
      maintenance: server.TrackingServerMaintenanceStatus ?? null,
      maintenanceWindow: server.WeeklyMaintenanceWindowStart ?? null,
      roleArn: server.RoleArn ?? null,
      kmsKeyArn: null,
      createdAt: toIsoText(server.CreationTime),
      modifiedAt: toIsoText(server.LastModifiedTime),
    };
  }

  async function describeApp(arn: string): Promise<ManagedMlflow> {
    const app = await call({ action: 'sagemaker:DescribeMlflowApp', resource: arn }, () =>
      client.send(new sdk.DescribeMlflowAppCommand({ Arn: arn }), options),
    );
    const status = app.Status ?? 'Unknown';
    return {
      name: app.Name ?? arn,
      arn: app.Arn ?? arn,
      kind: 'app',
      url: null,
      status,
      isUsable: isUsableStatus(status, undefined),
      mlflowVersion: app.MlflowVersion ?? null,
      size: null,
      artifactStore: app.ArtifactStoreUri ?? null,
      maintenance: app.MaintenanceStatus ?? null,
      maintenanceWindow: app.WeeklyMaintenanceWindowStart ?? null,
      roleArn: app.RoleArn ?? null,
      kmsKeyArn: app.KmsKeyId ?? null,
      createdAt: toIsoText(app.CreationTime),
      modifiedAt: toIsoText(app.LastModifiedTime),
    };
  }

  const describe: ControlPlane['describe'] = (ref) =>
    ref.kind === 'app' ? describeApp(ref.arn) : describeServer(ref.name);

  /** All pages; without those that are deleted or about to be, whose name may have been given to another. */
  async function listApps(): Promise<{ name: string; arn: string }[]> {
    const apps: { name: string; arn: string }[] = [];
    let token: string | undefined;
    do {
      const page = await call({ action: 'sagemaker:ListMlflowApps', resource: '*' }, () =>
        client.send(
          new sdk.ListMlflowAppsCommand(token === undefined ? {} : { NextToken: token }),
          options,
        ),
      );
      for (const { Name, Arn, Status } of page.Summaries ?? []) {
        const isGone = Status === 'Deleted' || Status === 'Deleting';
        if (Arn !== undefined && !isGone) apps.push({ name: Name ?? Arn, arn: Arn });
      }
      token = page.NextToken;
    } while (token !== undefined);
    return apps;
  }

  return {
    describe,
    listApps,
    async start(name) {
      await call(
        { action: 'sagemaker:StartMlflowTrackingServer', resource: `tracking server ${name}` },
        () =>
          client.send(
            new sdk.StartMlflowTrackingServerCommand({ TrackingServerName: name }),
            options,
          ),
      );
    },
    async stop(name) {
      await call(
        { action: 'sagemaker:StopMlflowTrackingServer', resource: `tracking server ${name}` },
        () =>
          client.send(
            new sdk.StopMlflowTrackingServerCommand({ TrackingServerName: name }),
            options,
          ),
      );
    },
    async presignedUrl(ref, { expiresInSeconds, sessionSeconds }) {
      const life = {
        ExpiresInSeconds: expiresInSeconds,
        SessionExpirationDurationInSeconds: sessionSeconds,
      };
      const isApp = ref.kind === 'app';
      const { AuthorizedUrl } = await call(
        {
          action: `sagemaker:CreatePresigned${isApp ? 'MlflowApp' : 'MlflowTrackingServer'}Url`,
          resource: isApp ? ref.arn : `tracking server ${ref.name}`,
        },
        () =>
          isApp
            ? client.send(
                new sdk.CreatePresignedMlflowAppUrlCommand({ Arn: ref.arn, ...life }),
                options,
              )
            : client.send(
                new sdk.CreatePresignedMlflowTrackingServerUrlCommand({
                  TrackingServerName: ref.name,
                  ...life,
                }),
                options,
              ),
      );
      if (AuthorizedUrl === undefined) {
        throw new AppError('SAGEMAKER_UNEXPECTED', 'SageMaker made a link and did not send it.');
      }
      return AuthorizedUrl;
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

function toIsoText(date: Date | undefined): string | null {
  return date === undefined ? null : date.toISOString();
}
