import { writingCommands, type CommandName } from './command-names.ts';
import { parseName } from './parse-simple.ts';
import { bareUrl, parseHttpUrl } from './parse-http-url.ts';
import { refusal } from './refusal.ts';
import { optional } from './setting.ts';

/** Commands that keep or look at the copy of the state. */
export const backupCommands = [
  'sync',
  'schedule',
  'backfill',
  'verify',
  'recover',
  'doctor',
] as const satisfies readonly CommandName[];

/** How AWS is reached, under the names that its own programs read. Keys come from the usual chain alone. */
export const awsSettings = {
  region: optional({
    env: ['AWS_REGION', 'AWS_REGION_NAME', 'AWS_DEFAULT_REGION'],
    flag: '--aws-region',
    placeholder: 'REGION',
    parse: parseRegion,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description:
      "Region of the bucket that SYNC_STATE_BACKUP names, and of a SageMaker MLflow that is given by its name. Else that of the AWS profile; with another S3 than AWS's, us-east-1.",
    allows: 'the name of a region',
    example: 'eu-central-1',
  }),
  assumeRoleArn: optional({
    env: ['SAGEMAKER_MLFLOW_ASSUME_ROLE_ARN'],
    flag: '--sagemaker-mlflow-assume-role-arn',
    placeholder: 'ARN',
    parse: parseRoleArn,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description:
      'Role to assume for a SageMaker MLflow, its artifacts in S3 and the copy of the state alike.',
    allows: 'the ARN of a role',
    example: 'arn:aws:iam::123456789012:role/mlflow-writer',
  }),
  externalId: optional({
    env: ['SYNC_AWS_EXTERNAL_ID'],
    flag: '--aws-external-id',
    placeholder: 'ID',
    parse: parseExternalId,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description:
      'External id that the trust of the assumed role asks for; AWS takes it for no secret.',
    allows: '2 to 1224 letters, digits and + = , . @ : / - _',
    example: 'team-mlflow',
  }),
  roleSessionName: optional({
    env: ['AWS_ROLE_SESSION_NAME'],
    flag: '--aws-role-session-name',
    placeholder: 'NAME',
    parse: parseSessionName,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description:
      "Name of the sessions of the assumed role, by which CloudTrail shows them; AWS's own programs read it too. Else `langfuse-mlflow`.",
    allows: '2 to 64 letters, digits and + = , . @ - _',
    example: 'langfuse-mlflow-eu',
  }),
  mlflowEndpoint: optional({
    env: ['SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT'],
    flag: '--sagemaker-mlflow-custom-endpoint',
    placeholder: 'URL',
    parse: parseEndpoint,
    commands: writingCommands,
    description:
      "URL of a SageMaker MLflow's REST API, where it is not the region's own, such as a VPC endpoint.",
    allows: 'an http or https URL',
    example: 'https://vpce-0123.experiments.sagemaker.eu-central-1.vpce.amazonaws.com',
  }),
  artifactEndpoint: optional({
    env: ['MLFLOW_S3_ENDPOINT_URL'],
    flag: '--mlflow-s3-endpoint-url',
    placeholder: 'URL',
    parse: parseEndpoint,
    commands: writingCommands,
    description:
      "URL of another S3 than AWS's for artifacts at s3://, where it is not that of AWS_ENDPOINT_URL_S3; buckets are then named in the path.",
    allows: 'an http or https URL',
    example: 'https://s3.example.com:9000',
  }),
  artifactKmsKeyId: optional({
    env: ['SYNC_ARTIFACT_KMS_KEY_ID'],
    flag: '--artifact-kms-key-id',
    placeholder: 'KEY',
    parse: parseName,
    commands: writingCommands,
    description: "Key of AWS KMS for artifacts in S3; else the bucket's own default holds.",
    allows: 'the id, alias or ARN of a key',
    example: 'alias/mlflow-artifacts',
  }),
  artifactBucketOwner: optional({
    env: ['SYNC_ARTIFACT_BUCKET_OWNER'],
    flag: '--artifact-bucket-owner',
    placeholder: 'ACCOUNT',
    parse: parseAccountId,
    commands: writingCommands,
    description: 'Account that the artifact bucket must belong to; S3 refuses writes to any other.',
    allows: 'twelve digits',
    example: '123456789012',
  }),
  sagemakerEndpoint: optional({
    env: ['AWS_ENDPOINT_URL_SAGEMAKER'],
    flag: '--aws-endpoint-url-sagemaker',
    placeholder: 'URL',
    parse: parseEndpoint,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description: "URL of the SageMaker API, where it is not AWS's own, such as a VPC endpoint.",
    allows: 'an http or https URL',
    example: 'https://vpce-0123.api.sagemaker.eu-central-1.vpce.amazonaws.com',
  }),
  stsEndpoint: optional({
    env: ['AWS_ENDPOINT_URL_STS'],
    flag: '--aws-endpoint-url-sts',
    placeholder: 'URL',
    parse: parseEndpoint,
    commands: [...writingCommands, 'tracking-server', 'litellm'],
    description:
      "URL of the STS that gives the assumed role and tells who the worker is, where it is not the region's own, such as a VPC endpoint.",
    allows: 'an http or https URL',
    example: 'https://vpce-0123.sts.eu-central-1.vpce.amazonaws.com',
  }),
  s3Endpoint: optional({
    env: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
    flag: '--aws-endpoint-url-s3',
    placeholder: 'URL',
    parse: parseEndpoint,
    commands: backupCommands,
    description:
      "URL of another S3 than AWS's, such as MinIO, Ceph or SeaweedFS; buckets are then named in the path.",
    allows: 'an http or https URL',
    example: 'https://s3.example.com:9000',
  }),
} as const;

function parseRoleArn(text: string): string {
  if (/^arn:[a-z-]+:iam::\d{12}:role\/\S+$/.test(text)) return text;
  throw refusal('must be the ARN of a role, such as arn:aws:iam::123456789012:role/mlflow-writer');
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
function parseExternalId(text: string): string {
  if (/^[\w+=,.@:/-]{2,1224}$/.test(text)) return text;
  throw refusal('must be 2 to 1224 letters, digits and + = , . @ : / - _');
}

function parseSessionName(text: string): string {
  if (/^[\w+=,.@-]{2,64}$/.test(text)) return text;
  throw refusal('must be 2 to 64 letters, digits and + = , . @ - _');
}

function parseAccountId(text: string): string {
  if (/^\d{12}$/.test(text)) return text;
  throw refusal('must be the twelve digits of an AWS account');
}

function parseRegion(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return text;
  throw refusal('must be the name of a region, such as eu-central-1');
}

function parseEndpoint(text: string): string {
  return bareUrl(
    parseHttpUrl(text, { credentials: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' }),
  );
}
