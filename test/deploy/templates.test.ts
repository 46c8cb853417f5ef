/** The checked-in CloudFormation can be deployed as it is, is safe, and its outputs are settings. */
import { describe, expect, test } from 'vitest';
import { covers, listOf, permissionsOf, trustOf } from './policies.ts';
import {
  account,
  fillIn,
  readTemplate,
  readTemplateText,
  region,
  templateNames,
  type Resource,
} from './template.ts';

const ofType = (resources: Record<string, Resource>, type: string): Resource[] =>
  Object.values(resources).filter((resource) => resource.Type === type);

test('both forms of MLflow are there, alone and with each place for the worker', () => {
  expect(templateNames).toEqual([
    'app',
    'app-ecs',
    'app-eks',
    'tracking-server',
    'tracking-server-ecs',
    'tracking-server-eks',
  ]);
});

describe.each(templateNames)('%s.json', (name) => {
  const template = readTemplate(name);
  const { resources, outputs } = fillIn(template);
  const key = `arn:aws:kms:${region}:${account}:key/00000000-0000-4000-8000-000000000000`;
  const withKey = fillIn(template, { KmsKeyArn: key }).resources;

  test('asks for no bootstrapped account, no assets, and less than the limit for a file', () => {
    const text = readTemplateText(name);
    expect(Object.keys(template).toSorted()).toEqual([
      'Conditions',
      'Description',
      'Outputs',
      'Parameters',
      'Resources',
    ]);
    expect(text).not.toMatch(/AWS::SSM|cdk-hnb|CDKMetadata|AWS::Lambda|aws:cdk/);
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    expect(text.length).toBeLessThan(51_200);
  });

  test('names no role, policy or bucket itself, so that CAPABILITY_IAM is enough', () => {
    const named = Object.values(resources).filter(({ Properties }) =>
      ['RoleName', 'ManagedPolicyName', 'BucketName'].some((property) => property in Properties),
    );
    expect(named).toEqual([]);
  });

  test('the bucket is private, versioned, cleaned up, and outlives the stack', () => {
    const bucket = resources['ArtifactBucket'];
    expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(bucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [
          { Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
          { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
        ],
      },
    });
  });

  test('the bucket takes no request without TLS, from nobody, and keeps that rule', () => {
    const policy = resources['ArtifactBucketPolicy'];
    const arn = `arn:aws:s3:::${outputs['ArtifactBucketName']}`;
    expect(policy).toMatchObject({ DeletionPolicy: 'Retain' });
    expect(policy?.Properties['Bucket']).toBe(outputs['ArtifactBucketName']);
    expect(permissionsOf(policy)).toEqual([
      {
        Sid: 'OnlyTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });

  test('the bucket is encrypted by S3, or by the key that is named, which both sides may use', () => {
    const encryption = (all: Record<string, Resource>): unknown =>
      all['ArtifactBucket']?.Properties['BucketEncryption'];
    const keyUsers = (all: Record<string, Resource>): unknown[] =>
      Object.entries(all).flatMap(([id, resource]) =>
        permissionsOf(resource)
          .filter(({ Action }) => listOf(Action).some((action) => action.startsWith('kms:')))
          .map(({ Action, Resource }) => ({ id, Action, Resource })),
      );
    expect(encryption(resources)).toEqual({
      ServerSideEncryptionConfiguration: [
        { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
      ],
    });
    expect(keyUsers(resources)).toEqual([]);
    expect(encryption(withKey)).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
        },
      ],
    });
    const both = { Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: key };
    expect(keyUsers(withKey)).toEqual([
      { id: 'ServerRole', ...both },
      { id: 'WorkerPolicy', ...both },
    ]);
  });

  test('nothing is allowed by a wildcard action, and * only where IAM knows no resource', () => {
    const allowed = Object.values(withKey)
      .flatMap(permissionsOf)
      .filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.length).toBeGreaterThan(6);
    const actions = allowed.flatMap(({ Action }) => listOf(Action));
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
    const anywhere = allowed
      .filter(({ Resource }) => listOf(Resource).includes('*') || listOf(Resource).length === 0)
      .flatMap(({ Action }) => listOf(Action));
    expect(anywhere).toEqual([
      'sagemaker:ListMlflowApps',
      ...(name.endsWith('-ecs') ? ['ecr:GetAuthorizationToken'] : []),
    ]);
  });

  test('a role is taken by its service for this account alone', () => {
    const roles = ofType(resources, 'AWS::IAM::Role').flatMap(trustOf);
    const services = roles.filter(({ Action }) => Action === 'sts:AssumeRole');
    expect(services.length).toBeGreaterThan(0);
    for (const { Condition } of services) {
      expect(Condition).toMatchObject({ StringEquals: { 'aws:SourceAccount': account } });
    }
    expect(trustOf(resources['ServerRole'])).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'sagemaker.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:aws:sagemaker:${region}:${account}:*` },
        },
      },
    ]);
  });

  test('MLflow keeps artifacts where its role and the worker may write', () => {
    const [mlflow] = [
      ...ofType(resources, 'AWS::SageMaker::MlflowApp'),
      ...ofType(resources, 'AWS::SageMaker::MlflowTrackingServer'),
    ];
    const { ArtifactStoreUri, RoleArn } = (mlflow?.Properties ?? {}) as Record<string, string>;
    expect(RoleArn).toBe(outputs['ServerRoleArn']);
    const object = `${ArtifactStoreUri?.replace('s3://', 'arn:aws:s3:::')}/1/artifacts/a.json`;
    const writers = ['ServerRole', 'WorkerPolicy'].filter((id) =>
      permissionsOf(resources[id]).some(
        ({ Action, Resource }) =>
          listOf(Action).includes('s3:PutObject') &&
          listOf(Resource).some((pattern) => covers(pattern, object)),
      ),
    );
    expect(writers).toEqual(['ServerRole', 'WorkerPolicy']);
  });

  test('the worker is allowed what it calls on this MLflow, and on no other', () => {
    const [mlflow] = permissionsOf(resources['WorkerPolicy']);
    expect(mlflow?.Resource).toBe(outputs['MlflowTrackingUri']);
    const door = name.startsWith('app')
      ? ['sagemaker:CallMlflowAppApi', 'sagemaker:DescribeMlflowApp']
      : ['sagemaker:DescribeMlflowTrackingServer', 'sagemaker:StartMlflowTrackingServer'];
    const rest = ['CreateRun', 'LogBatch', 'SearchRuns', 'SetTag', 'UpdateRun'];
    expect(mlflow?.Action).toEqual(
      expect.arrayContaining([...door, ...rest.map((action) => `sagemaker-mlflow:${action}`)]),
    );
  });
});

test.each(['', '-ecs', '-eks'])('a tracking server (%s) has an explicit version', (suffix) => {
  const { resources } = fillIn(readTemplate(`tracking-server${suffix}`));
  expect(resources['TrackingServer']?.Properties).toMatchObject({
    MlflowVersion: '3.0.0',
    TrackingServerSize: 'Small',
    WeeklyMaintenanceWindowStart: 'Sun:12:00',
    AutomaticModelRegistration: false,
  });
});

test.each(['app', 'tracking-server'])(
  'the stack of %s can take a worker later: what it has stays as it is',
  (name) => {
    const alone = readTemplate(name);
    for (const suffix of ['-ecs', '-eks']) {
      const more = readTemplate(name + suffix);
      expect(more.Resources).toMatchObject(alone.Resources);
      expect(more.Outputs).toMatchObject(alone.Outputs);
    }
  },
);
