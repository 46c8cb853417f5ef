import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { type CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnMlflowApp, CfnMlflowTrackingServer } from 'aws-cdk-lib/aws-sagemaker';
import { artifactPrefix, type ArtifactBucket } from './artifact-bucket.ts';
import type { MlflowKind } from './kinds.ts';

interface Surroundings {
  readonly bucket: ArtifactBucket;
  readonly role: CfnRole;
}

/** Adds the managed MLflow, and gives its ARN: what MLFLOW_TRACKING_URI takes. */
export function addMlflow(stack: Stack, kind: MlflowKind, { bucket, role }: Surroundings): string {
  const name = new CfnParameter(stack, 'MlflowName', {
    description: 'Name of the managed MLflow, unique in the region.',
    default: 'langfuse-mlflow',
    allowedPattern: '^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$',
  });
  const maintenance = new CfnParameter(stack, 'MaintenanceWindow', {
    description: 'Start of the weekly maintenance in UTC, away from the time of the nightly sync.',
    default: 'Sun:12:00',
    allowedPattern: '^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01][0-9]|2[0-3]):[0-5][0-9]$',
  });
  const common = {
    artifactStoreUri: `s3://${bucket.name}/${artifactPrefix}`,
    roleArn: role.attrArn,
    weeklyMaintenanceWindowStart: maintenance.valueAsString,
  };
  if (kind === 'app') {
    const app = new CfnMlflowApp(stack, 'MlflowApp', {
      ...common,
      name: name.valueAsString,
      modelRegistrationMode: 'AutoModelRegistrationDisabled',
    });
    return app.attrArn;
  }
  const version = new CfnParameter(stack, 'MlflowVersion', {
    description: 'MLflow of the tracking server. Fixed when it is made: it cannot be raised later.',
    default: '3.0.0',
    allowedPattern: '^[0-9]+[.][0-9]+[.][0-9]+$',
  });
  const size = new CfnParameter(stack, 'TrackingServerSize', {
    description: 'Size of the tracking server: about 25, 50 or 100 users.',
    default: 'Small',
    allowedValues: ['Small', 'Medium', 'Large'],
  });
  const server = new CfnMlflowTrackingServer(stack, 'TrackingServer', {
    ...common,
    trackingServerName: name.valueAsString,
    mlflowVersion: version.valueAsString,
    trackingServerSize: size.valueAsString,
    automaticModelRegistration: false,
  });
  return server.attrTrackingServerArn;
}
