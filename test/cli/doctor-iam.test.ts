import { expect, it } from 'vitest';
import { controlKeys, startControlDouble } from '../support/sagemaker-double/control-plane.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli } from './built-cli.ts';

const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow';

it('prints the policy alone on stdout, with the place of artifacts that SageMaker tells', async () => {
  await using double = await startControlDouble();
  using folder = openTempFolder();
  const run = (args: string[]): ReturnType<typeof runCli> =>
    runCli({
      args: ['doctor', '--print-iam', ...args],
      cwd: folder.path,
      env: {
        AWS_ACCESS_KEY_ID: controlKeys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: controlKeys.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ENDPOINT_URL_SAGEMAKER: double.url,
        MLFLOW_TRACKING_URI: arn,
      },
    });
  const end = await run([]);
  expect(end).toMatchObject({ code: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({
    Version: '2012-10-17',
    Statement: [
      { Sid: 'Mlflow', Resource: arn },
      { Sid: 'FindMlflowByName' },
      { Sid: 'Bucket', Resource: ['arn:aws:s3:::mlflow-artifacts'] },
      { Sid: 'Objects', Resource: ['arn:aws:s3:::mlflow-artifacts/team/*'] },
    ],
  });
  double.denied.add('DescribeMlflowTrackingServer');
  const refused = await run([]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('give it with --artifact-root');
  const given = await run(['--artifact-root', 's3://other/x']);
  expect(given.stdout).toContain('arn:aws:s3:::other/x/*');
});
