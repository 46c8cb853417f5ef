import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openControlPlane, type ControlPlane } from '../../src/sagemaker/control-plane.ts';
import { toWorkerPolicy, workerActions } from '../../src/sagemaker/iam-policy.ts';
import {
  controlKeys,
  startControlDouble,
  type ControlDouble,
} from '../support/sagemaker-double/control-plane.ts';
import { workerActions as cdkActions } from '../../deploy/cdk/lib/worker-actions.ts';

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
    expect(await plane.findByName('team-mlflow')).toMatchObject({
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
    expect(await plane.findByName('team-app')).toMatchObject({
      kind: 'app',
      arn: 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC',
      url: null,
    });
  });

  it('tells a name that neither has', async () => {
    using plane = await open();
    await expect(plane.findByName('nobody')).rejects.toMatchObject({
      code: 'SAGEMAKER_NOT_FOUND',
      message: expect.stringContaining('no tracking server nobody in us-east-1') as string,
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
    await expect(plane.findByName('team-mlflow')).rejects.toMatchObject({
      code: 'SAGEMAKER_DENIED',
      hint: expect.stringContaining('Renew the AWS credentials') as string,
    });
  });

  it('goes on after throttling', async () => {
    double.throttle(2);
    using plane = await open();
    expect(await plane.findByName('team-mlflow')).toMatchObject({ status: 'Created' });
    expect(double.seen).toHaveLength(3);
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
      kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1',
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
