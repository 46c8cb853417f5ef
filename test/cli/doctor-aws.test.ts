import { expect, it } from 'vitest';
import { startProject } from '../langfuse/project.ts';
import { controlKeys, startControlDouble } from '../support/sagemaker-double/control-plane.ts';
import { startSts } from '../support/sagemaker-double/sts.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli } from './built-cli.ts';

it('tells of a server that was stopped, and of a permission that is missing', async () => {
  await using double = await startControlDouble();
  await using sts = await startSts({ keys: { [controlKeys.accessKeyId]: controlKeys } });
  await using langfuse = await startProject();
  using folder = openTempFolder();
  const lineOf = async (word: string): Promise<string | undefined> => {
    const end = await runCli({
      args: ['doctor'],
      cwd: folder.path,
      env: {
        AWS_ACCESS_KEY_ID: controlKeys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: controlKeys.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ENDPOINT_URL_SAGEMAKER: double.url,
        AWS_ENDPOINT_URL_STS: sts.url,
        SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: 'http://127.0.0.1:1',
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
        MLFLOW_TRACKING_URI:
          'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow',
        LANGFUSE_BASE_URL: langfuse.server.url,
        LANGFUSE_PUBLIC_KEY: langfuse.server.keys.publicKey,
        LANGFUSE_SECRET_KEY: langfuse.server.keys.secretKey,
      },
    });
    return end.stdout.split('\n').find((line) => line.includes(word));
  };
  expect(await lineOf('describe')).toMatch(
    /^ok .*status Created, MLflow 3\.0\.0, artifacts at s3:/,
  );
  const server = double.servers.get('team-mlflow');
  if (server !== undefined) server.status = 'Stopped';
  expect(await lineOf('describe')).toMatch(/^FAIL .*status Stopped.*answers no requests/);
  double.denied.add('DescribeMlflowTrackingServer');
  expect(await lineOf('describe')).toMatch(/^FAIL .*sagemaker:DescribeMlflowTrackingServer/);
  expect(await lineOf('identity')).toMatch(
    /^ok .*arn:aws:iam::123456789012:user\/worker \(account 123456789012\)/,
  );
  sts.keys.clear();
  expect(await lineOf('identity')).toMatch(/^FAIL .*sts:GetCallerIdentity.*UnrecognizedClient/);
});
