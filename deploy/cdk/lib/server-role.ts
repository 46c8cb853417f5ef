import { type Stack } from 'aws-cdk-lib';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { artifactPrefix, type ArtifactBucket } from './artifact-bucket.ts';
import { localArn, policyDocument, trustService } from './policy.ts';

/**
 * The role by which SageMaker's MLflow reads and writes artifacts.
 *
 * Its policy is part of the role itself, so that a server that needs the role can't be made before the
 * policy is there. It may not delete: `mlflow gc` on this server then leaves the artifacts.
 */
export function addServerRole(stack: Stack, bucket: ArtifactBucket): CfnRole {
  return new CfnRole(stack, 'ServerRole', {
    description: 'SageMaker MLflow: artifacts in S3',
    assumeRolePolicyDocument: trustService('sagemaker.amazonaws.com', {
      ArnLike: { 'aws:SourceArn': localArn('sagemaker', '*') },
    }),
    policies: [
      {
        policyName: 'Artifacts',
        policyDocument: policyDocument([
          {
            Sid: 'Bucket',
            Effect: 'Allow',
            Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
            Resource: bucket.arn,
          },
          {
            Sid: 'Objects',
            Effect: 'Allow',
            Action: [
              's3:AbortMultipartUpload',
              's3:GetObject',
              's3:ListMultipartUploadParts',
              's3:PutObject',
            ],
            Resource: `${bucket.arn}/${artifactPrefix}/*`,
          },
          bucket.keyStatement,
        ]),
      },
    ],
  });
}
