import {
  Aws,
  BootstraplessSynthesizer,
  CfnOutput,
  CfnParameter,
  Stack,
  type App,
} from 'aws-cdk-lib';
import { addArtifactBucket, statePrefix } from './artifact-bucket.ts';
import { addEcsWorker } from './ecs-worker.ts';
import { addEksWorker } from './eks-worker.ts';
import type { Variant } from './kinds.ts';
import { addMlflow } from './mlflow.ts';
import { addServerRole } from './server-role.ts';
import { addWorkerPolicy } from './worker-policy.ts';

/**
 * Managed MLflow, its bucket, and what the worker may do with both.
 *
 * The template needs no bootstrapped account and no assets, so that `aws cloudformation deploy` takes it
 * as it is. What differs between installations is a parameter; only what changes the kinds of resources
 * is a variant. Resources keep their names across the variants, so a stack can go from one to another.
 */
export class SyncStack extends Stack {
  constructor(app: App, id: string, variant: Variant) {
    super(app, id, {
      synthesizer: new BootstraplessSynthesizer(),
      description: `langfuse-mlflow: SageMaker managed MLflow (${variant.mlflow}), worker: ${variant.worker}`,
    });
    const experiment = new CfnParameter(this, 'ExperimentName', {
      description: 'Experiment that the runs are kept in: MLFLOW_EXPERIMENT_NAME of the worker.',
      default: 'litellm-monitoring',
      minLength: 1,
      maxLength: 500,
    });
    const bucket = addArtifactBucket(this);
    const role = addServerRole(this, bucket);
    const mlflowArn = addMlflow(this, variant.mlflow, { bucket, role });
    const policy = addWorkerPolicy(this, { kind: variant.mlflow, mlflowArn, bucket });
    const settings = {
      MLFLOW_TRACKING_URI: mlflowArn,
      MLFLOW_EXPERIMENT_NAME: experiment.valueAsString,
      AWS_REGION: Aws.REGION,
      SYNC_STATE_BACKUP: `s3://${bucket.name}/${statePrefix}/langfuse-mlflow.db.gz`,
    };
    if (variant.worker === 'ecs') {
      addEcsWorker(this, { workerPolicyArn: policy.attrPolicyArn, environment: settings });
    }
    if (variant.worker === 'eks') addEksWorker(this, policy.attrPolicyArn);

    for (const [name, value] of Object.entries(settings)) {
      new CfnOutput(this, toOutputName(name), { description: `Setting ${name}`, value });
    }
    const others = {
      ArtifactBucketName: { description: 'Bucket of artifacts and state', value: bucket.name },
      ServerRoleArn: { description: 'Role of the managed MLflow', value: role.attrArn },
      WorkerPolicyArn: { description: 'Policy for the worker', value: policy.attrPolicyArn },
    };
    for (const [name, output] of Object.entries(others)) new CfnOutput(this, name, output);
  }
}

/** `MLFLOW_TRACKING_URI` as the name of an output, which may have no underscore: `MlflowTrackingUri`. */
function toOutputName(setting: string): string {
  return setting
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
