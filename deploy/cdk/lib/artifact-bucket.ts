import { Aws, CfnCondition, CfnParameter, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { CfnBucket, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import { policyDocument, type Statement } from './policy.ts';

/** Where MLflow keeps artifacts in the bucket. */
export const artifactPrefix = 'mlflow';
/** Where a worker without a disk keeps the copy of its state. */
export const statePrefix = 'state';

export interface ArtifactBucket {
  readonly name: string;
  readonly arn: string;
  /** Lets its holder use the bucket's key; nothing where the bucket has none. */
  readonly keyStatement: Statement;
}

/**
 * The bucket for artifacts and for the copy of the worker's state: private, encrypted, TLS only,
 * versioned, and kept when the stack is deleted.
 */
export function addArtifactBucket(stack: Stack): ArtifactBucket {
  const key = new CfnParameter(stack, 'KmsKeyArn', {
    description: 'ARN of the KMS key for the bucket. Empty: keys of S3 itself (SSE-S3).',
    default: '',
    allowedPattern: '^$|^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$',
  });
  const usesKey = new CfnCondition(stack, 'UsesKmsKey', {
    expression: Fn.conditionNot(Fn.conditionEquals(key.valueAsString, '')),
  });
  const bucket = new CfnBucket(stack, 'ArtifactBucket', {
    bucketEncryption: {
      serverSideEncryptionConfiguration: [
        Fn.conditionIf(
          usesKey.logicalId,
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: {
              SSEAlgorithm: 'aws:kms',
              KMSMasterKeyID: key.valueAsString,
            },
          },
          { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
        ),
      ],
    },
    ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    versioningConfiguration: { status: 'Enabled' },
    lifecycleConfiguration: {
      rules: [
        {
          id: 'DropOldVersions',
          status: 'Enabled',
          noncurrentVersionExpiration: { noncurrentDays: 30 },
          expiredObjectDeleteMarker: true,
        },
        {
          id: 'DropUnfinishedUploads',
          status: 'Enabled',
          abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
        },
      ],
    },
  });
  bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const policy = new CfnBucketPolicy(stack, 'ArtifactBucketPolicy', {
    bucket: bucket.ref,
    policyDocument: policyDocument([
      {
        Sid: 'OnlyTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [bucket.attrArn, `${bucket.attrArn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]),
  });
  policy.applyRemovalPolicy(RemovalPolicy.RETAIN);

  return {
    name: bucket.ref,
    arn: bucket.attrArn,
    keyStatement: Fn.conditionIf(
      usesKey.logicalId,
      {
        Sid: 'KeyOfTheBucket',
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: key.valueAsString,
        Condition: {
          StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` },
        },
      },
      Aws.NO_VALUE,
    ),
  };
}
