import { type Stack } from 'aws-cdk-lib';
import { CfnManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { artifactPrefix, statePrefix, type ArtifactBucket } from './artifact-bucket.ts';
import type { MlflowKind } from './kinds.ts';
import { policyDocument } from './policy.ts';
import { workerActions } from './worker-actions.ts';

interface Target {
  readonly kind: MlflowKind;
  readonly mlflowArn: string;
  readonly bucket: ArtifactBucket;
}

/** What the worker may do, and nothing more. Attach it to the role or user that the worker runs as. */
export function addWorkerPolicy(
  stack: Stack,
  { kind, mlflowArn, bucket }: Target,
): CfnManagedPolicy {
  const actions = workerActions(kind);
  return new CfnManagedPolicy(stack, 'WorkerPolicy', {
    description: 'langfuse-mlflow: write runs to the managed MLflow, artifacts and state to S3',
    policyDocument: policyDocument([
      { Sid: 'Mlflow', Effect: 'Allow', Action: actions.mlflow, Resource: mlflowArn },
      // Lists have no resource in IAM.
      { Sid: 'FindMlflowByName', Effect: 'Allow', Action: actions.list, Resource: '*' },
      { Sid: 'Bucket', Effect: 'Allow', Action: actions.bucket, Resource: bucket.arn },
      {
        Sid: 'Objects',
        Effect: 'Allow',
        Action: actions.objects,
        Resource: [`${bucket.arn}/${artifactPrefix}/*`, `${bucket.arn}/${statePrefix}/*`],
      },
      bucket.keyStatement,
    ]),
  });
}
