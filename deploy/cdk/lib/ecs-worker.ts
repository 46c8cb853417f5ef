import { Aws, CfnParameter, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnCluster, CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { addEcsParameters, type EcsParameters } from './ecs-parameters.ts';
import { localArn, policyDocument, trustService } from './policy.ts';

interface Work {
  readonly workerPolicyArn: string;
  /** Settings of the worker that are no secret. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * A Fargate task that runs `langfuse-mlflow sync` each night.
 *
 * It has no volume: the state is taken from its copy in S3 and written back (SYNC_STATE_BACKUP).
 */
export function addEcsWorker(stack: Stack, work: Work): void {
  const parameters = addEcsParameters(stack);
  const family = Fn.join('-', [Aws.STACK_NAME, 'sync']);
  const cluster = new CfnCluster(stack, 'Cluster');
  const logs = addLogGroup(stack);
  const taskRole = new CfnRole(stack, 'WorkerRole', {
    description: 'langfuse-mlflow: what the worker itself may do',
    assumeRolePolicyDocument: trustService('ecs-tasks.amazonaws.com', {
      ArnLike: { 'aws:SourceArn': localArn('ecs', '*') },
    }),
    managedPolicyArns: [work.workerPolicyArn],
  });
  const executionRole = addExecutionRole(stack, { parameters, logs });
  const task = new CfnTaskDefinition(stack, 'SyncTask', {
    family,
    cpu: '512',
    memory: parameters.memory,
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: parameters.architecture },
    taskRoleArn: taskRole.attrArn,
    executionRoleArn: executionRole.attrArn,
    containerDefinitions: [
      {
        name: 'sync',
        image: parameters.image,
        essential: true,
        command: ['sync'],
        // Fargate's longest: a run that is told to stop finishes its window first.
        stopTimeout: 120,
        environment: Object.entries({
          ...work.environment,
          LANGFUSE_BASE_URL: parameters.langfuseBaseUrl,
          SYNC_LOG_FORMAT: 'json',
        }).map(([name, value]) => ({ name, value })),
        secrets: ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'].map((name) => ({
          name,
          valueFrom: `${parameters.secretArn}:${name}::`,
        })),
        logConfiguration: {
          logDriver: 'awslogs',
          options: {
            'awslogs-group': logs.ref,
            'awslogs-region': Aws.REGION,
            'awslogs-stream-prefix': 'sync',
          },
        },
      },
    ],
  });
  const scheduleRole = addScheduleRole(stack, {
    family,
    clusterArn: cluster.attrArn,
    roles: [taskRole.attrArn, executionRole.attrArn],
  });
  new CfnSchedule(stack, 'NightlySync', {
    description: 'Runs langfuse-mlflow sync',
    scheduleExpression: parameters.schedule,
    scheduleExpressionTimezone: 'UTC',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: cluster.attrArn,
      roleArn: scheduleRole.attrArn,
      // A missed start is made good by the next run, which reads every window that is due.
      retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 3 },
      ecsParameters: {
        taskDefinitionArn: task.attrTaskDefinitionArn,
        launchType: 'FARGATE',
        taskCount: 1,
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: parameters.subnets,
            securityGroups: [addSecurityGroup(stack, parameters)],
            assignPublicIp: parameters.assignPublicIp,
          },
        },
      },
    },
  });
}

function addLogGroup(stack: Stack): CfnLogGroup {
  const days = new CfnParameter(stack, 'LogRetentionDays', {
    description: 'How many days the log of the worker is kept.',
    type: 'Number',
    default: '90',
    allowedValues: ['7', '14', '30', '60', '90', '180', '365', '731'],
  });
  const logs = new CfnLogGroup(stack, 'SyncLog', { retentionInDays: days.valueAsNumber });
  logs.applyRemovalPolicy(RemovalPolicy.DESTROY);
  return logs;
}

function addSecurityGroup(stack: Stack, parameters: EcsParameters): string {
  const group = new CfnSecurityGroup(stack, 'SyncSecurityGroup', {
    groupDescription: 'langfuse-mlflow: calls out, takes no calls',
    vpcId: parameters.vpcId,
    // Langfuse may listen on any port of a private network.
    securityGroupEgress: [{ ipProtocol: 'tcp', fromPort: 1, toPort: 65535, cidrIp: '0.0.0.0/0' }],
  });
  return group.attrGroupId;
}

function addExecutionRole(
  stack: Stack,
  { parameters, logs }: { parameters: EcsParameters; logs: CfnLogGroup },
): CfnRole {
  return new CfnRole(stack, 'TaskExecutionRole', {
    description: 'langfuse-mlflow: how ECS starts the worker',
    assumeRolePolicyDocument: trustService('ecs-tasks.amazonaws.com'),
    policies: [
      {
        policyName: 'StartTask',
        policyDocument: policyDocument([
          {
            Sid: 'Secret',
            Effect: 'Allow',
            Action: 'secretsmanager:GetSecretValue',
            Resource: parameters.secretArn,
          },
          {
            Sid: 'Log',
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: logs.attrArn,
          },
          // A login to ECR has no resource in IAM.
          {
            Sid: 'LogInToEcr',
            Effect: 'Allow',
            Action: 'ecr:GetAuthorizationToken',
            Resource: '*',
          },
          {
            Sid: 'Image',
            Effect: 'Allow',
            Action: [
              'ecr:BatchCheckLayerAvailability',
              'ecr:BatchGetImage',
              'ecr:GetDownloadUrlForLayer',
            ],
            Resource: localArn('ecr', 'repository/*'),
          },
        ]),
      },
    ],
  });
}

function addScheduleRole(
  stack: Stack,
  run: { family: string; clusterArn: string; roles: readonly string[] },
): CfnRole {
  return new CfnRole(stack, 'ScheduleRole', {
    description: 'langfuse-mlflow: how the schedule starts the task',
    assumeRolePolicyDocument: trustService('scheduler.amazonaws.com'),
    policies: [
      {
        policyName: 'RunTask',
        policyDocument: policyDocument([
          {
            Sid: 'RunTask',
            Effect: 'Allow',
            Action: 'ecs:RunTask',
            Resource: localArn('ecs', `task-definition/${run.family}:*`),
            Condition: { ArnEquals: { 'ecs:cluster': run.clusterArn } },
          },
          {
            Sid: 'HandRolesToTheTask',
            Effect: 'Allow',
            Action: 'iam:PassRole',
            Resource: run.roles,
            Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
          },
        ]),
      },
    ],
  });
}
