/** What a stack puts out is what the worker's settings take, and the task that it starts gets the same. */
import { describe, expect, test } from 'vitest';
import { keys, parse } from '../config/settings-input.ts';
import { covers, listOf, permissionsOf, trustOf } from './policies.ts';
import { account, answers, fillIn, readTemplate, region, templateNames } from './template.ts';

/** `MlflowTrackingUri` → `MLFLOW_TRACKING_URI`, as docs/aws.md says. */
const toSettingName = (output: string): string =>
  output.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

function settingsOf(name: string): Record<string, string> {
  const template = readTemplate(name);
  const { outputs } = fillIn(template);
  const settings = Object.entries(template.Outputs).flatMap(([output, { Description }]) =>
    Description === `Setting ${toSettingName(output)}`
      ? [[toSettingName(output), outputs[output] ?? '']]
      : [],
  );
  return Object.fromEntries(settings) as Record<string, string>;
}

interface Container {
  readonly Environment: readonly { Name: string; Value: string }[];
  readonly Secrets: readonly { Name: string; ValueFrom: string }[];
  readonly LogConfiguration: { Options: Record<string, string> };
}

describe.each(templateNames)('%s.json', (name) => {
  test('its outputs are settings as they are', () => {
    const env = settingsOf(name);
    expect(Object.keys(env).toSorted()).toEqual([
      'AWS_REGION',
      'MLFLOW_EXPERIMENT_NAME',
      'MLFLOW_TRACKING_URI',
      'SYNC_STATE_BACKUP',
    ]);
    const { settings } = parse({ env: { ...keys, ...env } });
    expect(settings.mlflow.trackingUri).toMatchObject({
      kind: 'sagemaker',
      region,
      accountId: account,
      resource: name.startsWith('app') ? 'mlflow-app' : 'mlflow-tracking-server',
    });
    expect(settings.mlflow.experimentName).toBe('litellm-monitoring');
    expect(settings.aws.region).toBe(region);
  });

  test('the worker may keep its state where they say', () => {
    const { resources } = fillIn(readTemplate(name));
    const { settings } = parse({ env: { ...keys, ...settingsOf(name) } });
    const { bucket, key } = settings.state.backup ?? { bucket: '', key: '' };
    const allowed = permissionsOf(resources['WorkerPolicy'])
      .filter(({ Resource }) =>
        listOf(Resource).some((pattern) => covers(pattern, `arn:aws:s3:::${bucket}/${key}`)),
      )
      .flatMap(({ Action }) => listOf(Action));
    expect(allowed).toEqual(expect.arrayContaining(['s3:GetObject', 's3:PutObject']));
  });
});

describe.each(['app-ecs', 'tracking-server-ecs'])('the task of %s.json', (name) => {
  const { resources, outputs } = fillIn(readTemplate(name));
  const task = (resources['SyncTask']?.Properties ?? {}) as {
    ContainerDefinitions?: readonly Container[];
    TaskRoleArn?: string;
    ExecutionRoleArn?: string;
  };
  const [container] = task.ContainerDefinitions ?? [];

  test('gets the settings of the outputs, and its keys from the secret', () => {
    const env = Object.fromEntries(
      (container?.Environment ?? []).map(({ Name, Value }) => [Name, Value]),
    );
    expect(env).toMatchObject(settingsOf(name));
    const secrets = (container?.Secrets ?? []).map(({ Name, ValueFrom }) => [Name, ValueFrom]);
    const arn = answers['LangfuseKeysArn'] as string;
    expect(secrets).toEqual([
      ['LANGFUSE_PUBLIC_KEY', `${arn}:LANGFUSE_PUBLIC_KEY::`],
      ['LANGFUSE_SECRET_KEY', `${arn}:LANGFUSE_SECRET_KEY::`],
    ]);
    expect(Object.keys(env).filter((setting) => setting in keys)).toEqual([]);
    const { settings } = parse({ env: { ...env, ...keys } });
    expect(settings.log.format).toBe('json');
  });

  test('holds the worker policy, and only its start may read the secret', () => {
    expect(resources['WorkerRole']?.Properties['ManagedPolicyArns']).toEqual([
      outputs['WorkerPolicyArn'],
    ]);
    const readers = Object.entries(resources).filter(([, resource]) =>
      permissionsOf(resource).some(({ Action }) =>
        listOf(Action).includes('secretsmanager:GetSecretValue'),
      ),
    );
    expect(readers.map(([id]) => id)).toEqual(['TaskExecutionRole']);
  });

  test('runs nightly in UTC without a public address, by a role that may start this task alone', () => {
    expect(resources['NightlySync']?.Properties).toMatchObject({
      ScheduleExpression: 'cron(17 2 * * ? *)',
      ScheduleExpressionTimezone: 'UTC',
      Target: {
        EcsParameters: {
          LaunchType: 'FARGATE',
          NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
        },
      },
    });
    const [run, pass] = permissionsOf(resources['ScheduleRole']);
    const target = resources['NightlySync']?.Properties['Target'] as {
      EcsParameters: { TaskDefinitionArn: string };
    };
    expect(covers(String(run?.Resource), target.EcsParameters.TaskDefinitionArn)).toBe(true);
    expect(pass?.Resource).toEqual([task.TaskRoleArn, task.ExecutionRoleArn]);
    expect(resources['SyncSecurityGroup']?.Properties).not.toHaveProperty('SecurityGroupIngress');
  });

  test('writes its log where its start may write, and the log ends', () => {
    expect(resources['SyncLog']?.Properties).toEqual({ RetentionInDays: '90' });
    const group = container?.LogConfiguration.Options['awslogs-group'] ?? '';
    const stream = `arn:aws:logs:${region}:${account}:log-group:${group}:log-stream:sync/sync/1`;
    const writers = permissionsOf(resources['TaskExecutionRole']).filter(({ Resource }) =>
      listOf(Resource).some((pattern) => pattern !== '*' && covers(pattern, stream)),
    );
    expect(writers.flatMap(({ Action }) => listOf(Action))).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
  });
});

test.each(['app-eks', 'tracking-server-eks'])(
  'the role of %s.json is for one service account of one cluster',
  (name) => {
    const { resources, outputs } = fillIn(readTemplate(name), {
      KubernetesNamespace: 'data',
      KubernetesServiceAccount: 'sync',
    });
    const issuer = `oidc.eks.${region}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE`;
    expect(trustOf(resources['WorkerRole'])).toEqual([
      {
        Effect: 'Allow',
        Principal: { Federated: answers['OidcProviderArn'] },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            [`${issuer}:aud`]: 'sts.amazonaws.com',
            [`${issuer}:sub`]: 'system:serviceaccount:data:sync',
          },
        },
      },
    ]);
    expect(resources['WorkerRole']?.Properties['ManagedPolicyArns']).toEqual([
      outputs['WorkerPolicyArn'],
    ]);
    expect(outputs['WorkerServiceAccount']).toBe('data/sync');
  },
);
