import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findByName } from '../../src/sagemaker/find-by-name.ts';
import { openControlPlane, type ControlPlane } from '../../src/sagemaker/control-plane.ts';
import { toWorkerPolicy, workerActions } from '../../src/sagemaker/iam-policy.ts';
import {
  controlKeys,
  startControlDouble,
  type ControlDouble,
} from '../support/sagemaker-double/control-plane.ts';
import { workerActions as cdkActions } from '../../deploy/cdk/lib/worker-actions.ts';

const appArn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/';

function find(
  plane: ControlPlane,
  name: string,
  notices: string[] = [],
): ReturnType<typeof findByName> {
  return findByName(plane, { name, onNotice: (message) => notices.push(message) });
}

describe('the control plane', () => {
  let double: ControlDouble;
  beforeEach(async () => {
    double = await startControlDouble();
  });
  afterEach(() => double[Symbol.asyncDispose]());

  function open(credentials = controlKeys): Promise<ControlPlane> {
    return openControlPlane({
      region: 'us-east-1',
      credentials,
      endpoint: double.url,
      signal: new AbortController().signal,
    });
  }

  it('describes a tracking server', async () => {
    using plane = await open();
    expect(await find(plane, 'team-mlflow')).toMatchObject({
      kind: 'tracking-server',
      arn: 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow',
      status: 'Created',
      isUsable: true,
      mlflowVersion: '3.0.0',
      artifactStore: 's3://mlflow-artifacts/team',
      createdAt: '2026-01-02T03:04:05.000Z',
    });
  });

  it('finds an app by its name, which its ARN does not hold', async () => {
    using plane = await open();
    expect(await find(plane, 'team-app')).toMatchObject({
      kind: 'app',
      arn: 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC',
      url: null,
    });
  });

  it('looks at every page of apps, and passes over those that are gone', async () => {
    double.pageSize = 1;
    double.apps.set('old-app', { arn: `${appArn}OLD`, status: 'Deleted' });
    double.apps.set('last-app', { arn: `${appArn}LAST`, status: 'Created' });
    using plane = await open();
    expect(await find(plane, 'last-app')).toMatchObject({ arn: `${appArn}LAST` });
    expect(double.seen.filter((name) => name === 'ListMlflowApps')).toHaveLength(3);
    await expect(find(plane, 'old-app')).rejects.toMatchObject({ code: 'SAGEMAKER_NOT_FOUND' });
  });

  it('refuses a name that a server and an app have', async () => {
    double.apps.set('team-mlflow', { arn: `${appArn}TWIN`, status: 'Created' });
    using plane = await open();
    await expect(find(plane, 'team-mlflow')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringMatching(
        /mlflow-tracking-server\/team-mlflow, .*mlflow-app\/TWIN/,
      ) as string,
      hint: expect.stringContaining('MLFLOW_TRACKING_URI') as string,
    });
  });

  it('takes the one that it may look for, and says what it could not see', async () => {
    using plane = await open();
    const notices: string[] = [];
    double.denied.add('ListMlflowApps');
    expect(await find(plane, 'team-mlflow', notices)).toMatchObject({ kind: 'tracking-server' });
    expect(notices.join()).toContain('sagemaker:ListMlflowApps');
    double.denied.delete('ListMlflowApps');
    double.denied.add('DescribeMlflowTrackingServer');
    expect(await find(plane, 'team-app', notices)).toMatchObject({ kind: 'app' });
    expect(notices).toHaveLength(2);
    await expect(find(plane, 'nobody')).rejects.toMatchObject({ code: 'SAGEMAKER_DENIED' });
  });

  it('tells a name that neither has', async () => {
    using plane = await open();
    await expect(find(plane, 'nobody')).rejects.toMatchObject({
      code: 'SAGEMAKER_NOT_FOUND',
      message: expect.stringContaining(
        'neither a tracking server nor an App of the name nobody (There is no tracking server nobody in us-east-1',
      ) as string,
    });
  });

  it('names the missing action, the resource and the identity', async () => {
    double.denied.add('StopMlflowTrackingServer');
    using plane = await open();
    await expect(plane.stop('team-mlflow')).rejects.toMatchObject({
      code: 'SAGEMAKER_DENIED',
      message: expect.stringMatching(
        /StopMlflowTrackingServer on tracking server team-mlflow.*user\/worker is not authorized/,
      ) as string,
      hint: expect.stringContaining('Allow sagemaker:StopMlflowTrackingServer') as string,
    });
  });

  it('calls a status that does not allow it a conflict', async () => {
    using plane = await open();
    await expect(plane.start('team-mlflow')).rejects.toMatchObject({
      code: 'SAGEMAKER_CONFLICT',
      message: expect.stringContaining('currently in status Created') as string,
    });
  });

  it('tells a wrong secret from a missing permission', async () => {
    using plane = await open({ ...controlKeys, secretAccessKey: 'another' });
    await expect(find(plane, 'team-mlflow')).rejects.toMatchObject({
      code: 'SAGEMAKER_DENIED',
      hint: expect.stringContaining('Renew the AWS credentials') as string,
    });
  });

  it('goes on after throttling', async () => {
    double.throttle(2);
    using plane = await open();
    expect(await find(plane, 'team-mlflow')).toMatchObject({ status: 'Created' });
    expect(double.seen).toEqual([
      ...Array.from({ length: 3 }, () => 'DescribeMlflowTrackingServer'),
      'ListMlflowApps',
    ]);
  });
});

describe('the policy of the worker', () => {
  it.each(['tracking-server', 'app'] as const)('has the actions of deploy/cdk for a %s', (kind) => {
    expect(workerActions(kind)).toEqual(cdkActions(kind));
  });

  it('is limited to this server, the artifacts under its prefix, the key and the copy of the state', () => {
    const { Statement } = toWorkerPolicy({
      kind: 'tracking-server',
      arn: 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/a',
      artifactRoot: 's3://bucket/team/',
      kmsKeys: ['arn:aws:kms:us-east-1:123456789012:key/1'],
      backup: { bucket: 'state', key: 'a/state.db.gz' },
    });
    expect(Statement.map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
      ['Mlflow', 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/a'],
      ['FindMlflowByName', '*'],
      ['Bucket', ['arn:aws:s3:::bucket', 'arn:aws:s3:::state']],
      [
        'Objects',
        [
          'arn:aws:s3:::bucket/team/*',
          'arn:aws:s3:::state/a/state.db.gz',
          'arn:aws:s3:::state/a/state.db.gz.lease',
        ],
      ],
      ['Key', 'arn:aws:kms:us-east-1:123456789012:key/1'],
    ]);
  });
});

describe('the grant of a key', () => {
  const grantOf = (key: string): unknown =>
    toWorkerPolicy({
      kind: 'app',
      arn: 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-A',
      artifactRoot: null,
      kmsKeys: [key],
      backup: null,
    }).Statement.find(({ Sid }) => Sid === 'Key');

  it.each([
    ['1234-abcd', { Resource: 'arn:aws:kms:eu-west-1:123456789012:key/1234-abcd' }],
    ['arn:aws:kms:us-east-1:1:key/2', { Resource: 'arn:aws:kms:us-east-1:1:key/2' }],
    [
      'alias/mlflow',
      {
        Resource: 'arn:aws:kms:eu-west-1:123456789012:key/*',
        Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/mlflow' } },
      },
    ],
    [
      'arn:aws:kms:us-east-1:210987654321:alias/mlflow',
      {
        Resource: 'arn:aws:kms:us-east-1:210987654321:key/*',
        Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/mlflow' } },
      },
    ],
  ])('is for %s alone', (key, grant) => {
    expect(grantOf(key)).toMatchObject(grant);
  });
});
