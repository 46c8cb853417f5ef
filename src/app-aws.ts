/** What a run needs of AWS, made once: the place that a name means, its region, and one chain of credentials for all. */
import { toProxies } from './app-network.ts';
import type { Surroundings } from './app.ts';
import type { FoundTrackingUri } from './config/parse-tracking-uri.ts';
import { parseTrackingUri } from './config/parse-tracking-uri.ts';
import type { CallerIdentity } from './sagemaker/caller-identity.ts';
import type { ControlPlane } from './sagemaker/control-plane.ts';
import type { AwsCredentials } from './sagemaker/credentials.ts';
import type { ManagedMlflow } from './sagemaker/managed-mlflow.ts';
import { AppError } from './shared/errors.ts';

interface RunOfAws {
  credentials?: Promise<AwsCredentials>;
  region?: Promise<string | null>;
  target?: Promise<FoundTrackingUri>;
}

/** By run, so that each part is asked for once however many parts of the run need it. */
const runs = new WeakMap<Surroundings, RunOfAws>();

function runOf(around: Surroundings): RunOfAws {
  const known = runs.get(around);
  if (known !== undefined) return known;
  const run: RunOfAws = {};
  runs.set(around, run);
  return run;
}

/** AWS_REGION, else the region of the profile, else null. */
export function findConfiguredRegion(around: Surroundings): Promise<string | null> {
  const run = runOf(around);
  run.region ??= (async () => {
    const { region } = around.settings.aws;
    if (region !== null) return region;
    const { findProfileRegion } = await import('./sagemaker/find-region.ts');
    return findProfileRegion();
  })();
  return run.region;
}

/** How long a message about something else waits for STS to say who was refused. */
const askedInPassingMs = 5000;

async function findStsRegion(around: Surroundings): Promise<string> {
  const { trackingUri } = around.settings.mlflow;
  if (trackingUri.kind === 'sagemaker') return trackingUri.region;
  return (await findConfiguredRegion(around)) ?? 'us-east-1';
}

/** Who the run is to AWS. Throws AWS_CREDENTIALS, SAGEMAKER_UNREACHABLE. */
export async function askConfiguredIdentity(around: Surroundings): Promise<CallerIdentity> {
  const { askCallerIdentity } = await import('./sagemaker/caller-identity.ts');
  return askCallerIdentity({
    region: await findStsRegion(around),
    endpoint: around.settings.aws.stsEndpoint,
    provider: (await openConfiguredCredentials(around)).provider,
    proxies: toProxies(around),
    timeoutMs: 30_000,
    signal: around.signal,
  });
}

/** The credentials of the run, for REST, SageMaker's API, artifacts and the copy of the state alike. Asked for nothing yet. */
export function openConfiguredCredentials(around: Surroundings): Promise<AwsCredentials> {
  const run = runOf(around);
  run.credentials ??= (async () => {
    const { settings } = around;
    const { openCredentials } = await import('./sagemaker/credentials.ts');
    const { aws } = settings;
    const { askCallerIdentity } = await import('./sagemaker/caller-identity.ts');
    const region = (): Promise<string> => findStsRegion(around);
    const proxies = toProxies(around);
    return openCredentials({
      region,
      assumeRoleArn: aws.assumeRoleArn,
      externalId: aws.externalId,
      roleSessionName: aws.roleSessionName,
      stsEndpoint: aws.stsEndpoint,
      proxies,
      askIdentity: async (provider) =>
        (
          await askCallerIdentity({
            region: await region(),
            endpoint: aws.stsEndpoint,
            provider,
            proxies,
            timeoutMs: askedInPassingMs,
            signal: around.signal,
          })
        ).arn,
      clock: around.clock,
      signal: around.signal,
      onNotice: around.onNotice,
    });
  })();
  return run.credentials;
}

/** SageMaker's own API in that region, asked with the credentials that sign requests to MLflow. */
export async function openConfiguredControlPlane(
  around: Surroundings,
  region: string,
): Promise<ControlPlane> {
  const { openControlPlane } = await import('./sagemaker/control-plane.ts');
  return openControlPlane({
    region,
    credentials: (await openConfiguredCredentials(around)).provider,
    endpoint: around.settings.aws.sagemakerEndpoint,
    proxies: toProxies(around),
    signal: around.signal,
  });
}

/**
 * The managed MLflow of that name in the configured region. Throws SETTINGS_INVALID where the region is not known or
 * several have the name, SAGEMAKER_NOT_FOUND and other SAGEMAKER_*.
 */
export async function findManagedByName(
  around: Surroundings,
  name: string,
): Promise<ManagedMlflow> {
  const { aws, mlflow } = around.settings;
  const ofArn = mlflow.trackingUri.kind === 'sagemaker' ? mlflow.trackingUri.region : null;
  const region = aws.region ?? ofArn ?? (await findConfiguredRegion(around));
  if (region === null) {
    throw new AppError('SETTINGS_INVALID', `The region of ${name} is not known.`, {
      hint: 'Set AWS_REGION (--aws-region) or the region of the AWS profile, or give the ARN.',
    });
  }
  const { findByName } = await import('./sagemaker/find-by-name.ts');
  using plane = await openConfiguredControlPlane(around, region);
  return findByName(plane, { name, onNotice: around.onNotice });
}

/**
 * Where runs are written, with a name alone looked up at AWS. Every command that opens MLflow, or tells its place,
 * comes here. Throws as {@link findManagedByName}.
 */
export function findConfiguredTarget(around: Surroundings): Promise<FoundTrackingUri> {
  const run = runOf(around);
  run.target ??= findTarget(around);
  return run.target;
}

async function findTarget(around: Surroundings): Promise<FoundTrackingUri> {
  const { trackingUri, serverName } = around.settings.mlflow;
  if (trackingUri.kind === 'named') {
    return parseTrackingUri((await findManagedByName(around, trackingUri.name)).arn);
  }
  const isUnclear =
    serverName !== null &&
    trackingUri.kind === 'sagemaker' &&
    trackingUri.resource === 'mlflow-app';
  if (isUnclear) {
    // The ARN of an App holds an id in place of its name.
    using plane = await openConfiguredControlPlane(around, trackingUri.region);
    const app = await plane.describe({ kind: 'app', arn: trackingUri.arn });
    if (app.name !== serverName) {
      throw new AppError(
        'SETTINGS_INVALID',
        `MLFLOW_TRACKING_SERVER_NAME is ${serverName}, and MLFLOW_TRACKING_URI is the App ${app.name}.`,
        { hint: 'Unset one of them.' },
      );
    }
  }
  return trackingUri;
}
