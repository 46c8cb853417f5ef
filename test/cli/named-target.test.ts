/** `MLFLOW_TRACKING_SERVER_NAME` alone: no command falls back to a local file that nobody asked for. */
import { existsSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { controlKeys, startControlDouble } from '../support/sagemaker-double/control-plane.ts';
import { openWorkplace } from './workplace.ts';

const awsEnv = (url: string): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: controlKeys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: controlKeys.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL_SAGEMAKER: url,
  AWS_ENDPOINT_URL_STS: url,
  AWS_REGION: 'us-east-1',
  MLFLOW_TRACKING_SERVER_NAME: 'nobody',
});

it.each([
  'sync',
  'backfill --from 2026-01-01 --to 2026-01-02',
  'verify',
  'recover',
  'doctor',
  'demo',
])('is looked up by %s, and its absence said', async (line) => {
  await using double = await startControlDouble();
  await using place = await openWorkplace();
  const end = await place.run(line.split(' '), awsEnv(double.url));
  expect(end).toMatchObject({ code: 2 });
  expect(`${end.stdout}${end.stderr}`).toContain(
    'neither a tracking server nor an App of the name nobody',
  );
  expect(double.seen).toContain('ListMlflowApps');
  expect(existsSync(join(place.path, 'mlflow.db'))).toBe(false);
});

it("becomes the ARN in LiteLLM's environment, and with a region that the profile holds", async () => {
  await using double = await startControlDouble();
  await using place = await openWorkplace();
  const at = (name: string): string => join(place.path, name);
  writeFileSync(
    at('aws-config'),
    `[profile team]
region = us-east-1
aws_access_key_id = ${controlKeys.accessKeyId}
aws_secret_access_key = ${controlKeys.secretAccessKey}
`,
  );
  writeFileSync(at('config.yaml'), 'model_list: []\n');
  writeFileSync(at('litellm.env'), 'A=1\n');
  const env = {
    ...awsEnv(double.url),
    MLFLOW_TRACKING_SERVER_NAME: 'team-app',
    AWS_CONFIG_FILE: at('aws-config'),
    AWS_REGION: '',
  };
  const update = ['litellm', 'update-config', 'config.yaml', '--env-file', 'litellm.env'];
  const unknown = await place.run(update, env);
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toMatch(/region of team-app is not known[^]*AWS_REGION/);
  expect(await place.run(update, { ...env, AWS_PROFILE: 'team' })).toMatchObject({ code: 0 });
  expect(readFileSync(at('litellm.env'), 'utf8')).toContain(
    'MLFLOW_TRACKING_URI=arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC',
  );
});

it('must agree with a URI that is set, too', async () => {
  await using double = await startControlDouble();
  await using place = await openWorkplace();
  const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC';
  const env = { ...awsEnv(double.url), MLFLOW_TRACKING_URI: arn };
  const other = await place.run(['sync'], env);
  expect(other).toMatchObject({ code: 2 });
  expect(other.stderr).toMatch(/MLFLOW_TRACKING_SERVER_NAME is nobody.*the App team-app/);
  expect(double.seen).toEqual(['DescribeMlflowApp']);
  const local = await place.run(['sync'], { ...env, MLFLOW_TRACKING_URI: 'sqlite:///mlflow.db' });
  expect(local).toMatchObject({ code: 2 });
  expect(local.stderr).toContain('which is another MLflow; unset one of them');
  expect(existsSync(join(place.path, 'mlflow.db'))).toBe(false);
});
