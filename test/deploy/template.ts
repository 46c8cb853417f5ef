/** Reads a template of deploy/cloudformation, and fills it in as CloudFormation would. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const templateFolder = fileURLToPath(
  new URL('../../deploy/cloudformation', import.meta.url),
);

export const templateNames = readdirSync(templateFolder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace(/\.json$/, ''))
  .toSorted();

export interface Template {
  readonly Parameters: Readonly<Record<string, { Type: string; Default?: string | number }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { Value: unknown; Description: string }>>;
}

export interface Resource {
  readonly Type: string;
  /** Always there once the template was filled in. */
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export function readTemplateText(name: string): string {
  return readFileSync(join(templateFolder, `${name}.json`), 'utf8');
}

export const readTemplate = (name: string): Template =>
  JSON.parse(readTemplateText(name)) as Template;

export const region = 'eu-central-1';
export const account = '123456789012';

const pseudo: Readonly<Record<string, unknown>> = {
  'AWS::Region': region,
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'langfuse-mlflow',
  'AWS::NoValue': undefined,
};

/** What is asked for without a default. */
export const answers: Readonly<Record<string, string | readonly string[]>> = {
  WorkerImage: `${account}.dkr.ecr.${region}.amazonaws.com/langfuse-mlflow:0.1.0`,
  LangfuseKeysArn: `arn:aws:secretsmanager:${region}:${account}:secret:langfuse-AbCdEf`,
  VpcId: 'vpc-0a1b2c3d',
  SubnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
  OidcProviderArn: `arn:aws:iam::${account}:oidc-provider/oidc.eks.${region}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE`,
};

/** What each kind of resource answers to Ref and GetAtt, by the documentation of CloudFormation. */
const attributes: Readonly<Record<string, Readonly<Record<string, (id: string) => string>>>> = {
  'AWS::S3::Bucket': {
    Ref: () => 'langfuse-mlflow-artifactbucket-1a2b3c4d',
    Arn: () => 'arn:aws:s3:::langfuse-mlflow-artifactbucket-1a2b3c4d',
  },
  'AWS::IAM::Role': { Arn: (id) => `arn:aws:iam::${account}:role/langfuse-mlflow-${id}-1A2B` },
  'AWS::IAM::ManagedPolicy': {
    PolicyArn: (id) => `arn:aws:iam::${account}:policy/langfuse-mlflow-${id}-1A2B`,
  },
  'AWS::SageMaker::MlflowTrackingServer': {
    TrackingServerArn: () =>
      `arn:aws:sagemaker:${region}:${account}:mlflow-tracking-server/langfuse-mlflow`,
  },
  'AWS::SageMaker::MlflowApp': {
    Arn: () => `arn:aws:sagemaker:${region}:${account}:mlflow-app/app-EXAMPLE12345`,
  },
  'AWS::ECS::Cluster': { Arn: () => `arn:aws:ecs:${region}:${account}:cluster/one` },
  'AWS::ECS::TaskDefinition': {
    TaskDefinitionArn: () =>
      `arn:aws:ecs:${region}:${account}:task-definition/langfuse-mlflow-sync:1`,
  },
  'AWS::EC2::SecurityGroup': { GroupId: () => 'sg-0a1b2c3d' },
  'AWS::Logs::LogGroup': {
    Ref: () => 'langfuse-mlflow-SyncLog-1A2B',
    Arn: () => `arn:aws:logs:${region}:${account}:log-group:langfuse-mlflow-SyncLog-1A2B:*`,
  },
};

/**
 * The resources and outputs with every intrinsic function carried out.
 *
 * Throws an Error for a name, attribute or function that is not known: such a template can't be deployed.
 */
export function fillIn(
  template: Template,
  chosen: Readonly<Record<string, string>> = {},
): { resources: Record<string, Resource>; outputs: Record<string, string> } {
  const evaluate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(evaluate).filter((one) => one !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[name, argument] = ['', undefined]] = entries;
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      return call(name, argument);
    }
    return Object.fromEntries(
      entries
        .map(([key, inner]) => [key, evaluate(inner)] as const)
        .filter(([, inner]) => inner !== undefined),
    );
  };

  const refer = (id: string): unknown => {
    if (id in pseudo) return pseudo[id];
    const parameter = template.Parameters[id];
    if (parameter === undefined) return attribute(id, 'Ref');
    const value = chosen[id] ?? answers[id] ?? parameter.Default;
    if (value === undefined) throw new Error(`no answer for the parameter ${id}`);
    return value;
  };

  const attribute = (id: string, name: string): string => {
    const resource = template.Resources[id];
    if (resource === undefined) throw new Error(`${id} is neither a parameter nor a resource`);
    const known = attributes[resource.Type]?.[name];
    if (known === undefined) throw new Error(`${resource.Type} (${id}) has no ${name}`);
    return known(id);
  };

  const isTrue = (condition: unknown): boolean => {
    const [[name, argument] = ['', undefined]] = Object.entries(condition as object);
    if (name === 'Fn::Not') return !isTrue((argument as unknown[])[0]);
    if (name === 'Fn::Equals') {
      const [left, right] = (argument as unknown[]).map(evaluate);
      return left === right;
    }
    throw new Error(`unknown condition ${name}`);
  };

  const substitute = (text: string, own: Readonly<Record<string, unknown>>): string =>
    text.replaceAll(/\$\{([^}]+)\}/g, (_, id: string) =>
      String(id in own ? evaluate(own[id]) : refer(id)),
    );

  const call = (name: string, argument: unknown): unknown => {
    const list = Array.isArray(argument) ? (argument as unknown[]) : [argument];
    const [first, second, third] = list;
    switch (name) {
      case 'Ref':
        return refer(argument as string);
      case 'Fn::GetAtt':
        return attribute(first as string, second as string);
      case 'Fn::Join':
        return (evaluate(second) as string[]).join(first as string);
      case 'Fn::Split':
        return (evaluate(second) as string).split(first as string);
      case 'Fn::Select':
        return (evaluate(second) as unknown[])[Number(first)];
      case 'Fn::Sub':
        return substitute(first as string, (second ?? {}) as Record<string, unknown>);
      case 'Fn::If': {
        const condition = template.Conditions[first as string];
        if (condition === undefined) throw new Error(`no condition ${String(first)}`);
        return evaluate(isTrue(condition) ? second : third);
      }
      default:
        throw new Error(`unknown function ${name}`);
    }
  };

  const outputs = Object.entries(template.Outputs).map(
    ([name, output]) => [name, evaluate(output.Value) as string] as const,
  );
  return {
    resources: Object.fromEntries(
      Object.entries(evaluate(template.Resources) as Record<string, Resource>).map(
        ([id, resource]) => [id, { ...resource, Properties: resource.Properties ?? {} }],
      ),
    ),
    outputs: Object.fromEntries(outputs),
  };
}
