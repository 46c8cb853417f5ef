import { CfnParameter, type CfnParameterProps, type Stack } from 'aws-cdk-lib';

export interface EcsParameters {
  readonly image: string;
  readonly architecture: string;
  /** In MiB, as Fargate allows it with half a vCPU. */
  readonly memory: string;
  readonly langfuseBaseUrl: string;
  /** ARN of a secret whose JSON has LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY. */
  readonly secretArn: string;
  readonly vpcId: string;
  readonly subnets: string[];
  /** `ENABLED` or `DISABLED`. */
  readonly assignPublicIp: string;
  readonly schedule: string;
}

/** What is asked for when a stack with a scheduled task is deployed. */
export function addEcsParameters(stack: Stack): EcsParameters {
  const add = (id: string, properties: CfnParameterProps): CfnParameter =>
    new CfnParameter(stack, id, properties);
  return {
    image: add('WorkerImage', {
      description: 'Image of the worker, with its tag or digest.',
      allowedPattern: '^[^ ]+[:@][^ ]+$',
    }).valueAsString,
    architecture: add('WorkerArchitecture', {
      description: 'What the image was built for.',
      default: 'X86_64',
      allowedValues: ['X86_64', 'ARM64'],
    }).valueAsString,
    memory: add('WorkerMemory', {
      description: 'Memory of the worker in MiB.',
      default: '1024',
      allowedValues: ['1024', '2048', '3072', '4096'],
    }).valueAsString,
    langfuseBaseUrl: add('LangfuseBaseUrl', {
      description: 'Langfuse server: LANGFUSE_BASE_URL of the worker.',
      default: 'https://cloud.langfuse.com',
      allowedPattern: '^https?://[^ ]+$',
    }).valueAsString,
    secretArn: add('LangfuseKeysArn', {
      description:
        'Whole ARN of the secret in Secrets Manager: a JSON object with LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.',
      allowedPattern: '^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^ :]+$',
    }).valueAsString,
    vpcId: add('VpcId', { description: 'Network of the worker.', type: 'AWS::EC2::VPC::Id' })
      .valueAsString,
    subnets: add('SubnetIds', {
      description: 'Subnets of that network from which Langfuse and AWS can be reached.',
      type: 'List<AWS::EC2::Subnet::Id>',
    }).valueAsList,
    assignPublicIp: add('AssignPublicIp', {
      description: 'ENABLED only in subnets that have neither NAT nor endpoints.',
      default: 'DISABLED',
      allowedValues: ['ENABLED', 'DISABLED'],
    }).valueAsString,
    schedule: add('Schedule', {
      description: 'When the sync runs, in UTC: after midnight plus SYNC_SETTLE.',
      default: 'cron(17 2 * * ? *)',
      allowedPattern: '^(cron|rate)[(].+[)]$',
    }).valueAsString,
  };
}
