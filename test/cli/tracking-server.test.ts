import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  controlKeys,
  startControlDouble,
  type ControlDouble,
  type ServerState,
} from '../support/sagemaker-double/control-plane.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli, type CliEnd } from './built-cli.ts';

vi.setConfig({ testTimeout: 120_000 });
const serverArn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow';
const appArn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC';

describe('tracking-server', () => {
  let double: ControlDouble;
  beforeEach(async () => {
    double = await startControlDouble();
  });
  afterEach(() => double[Symbol.asyncDispose]());

  async function run(text: string, env: Record<string, string> = {}): Promise<CliEnd> {
    using folder = openTempFolder();
    return await runCli({
      args: ['tracking-server', ...text.split(' ')],
      cwd: folder.path,
      env: {
        AWS_ACCESS_KEY_ID: controlKeys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: controlKeys.secretAccessKey,
        AWS_ENDPOINT_URL_SAGEMAKER: double.url,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_REGION: 'us-east-1',
        MLFLOW_TRACKING_SERVER_NAME: 'team-mlflow',
        ...env,
      },
    });
  }

  function theServer(): ServerState {
    const state = double.servers.get('team-mlflow');
    if (state === undefined) throw new Error('no server');
    return state;
  }

  it('tells what is known, as a table, as JSON and as lines for a .env', async () => {
    const table = await run('info');
    expect(table).toMatchObject({ code: 0 });
    expect(table.stdout).toMatch(/^status +Created$/m);
    expect(JSON.parse((await run('info --json')).stdout)).toMatchObject({
      arn: serverArn,
      usable: true,
      artifact_store: 's3://mlflow-artifacts/team',
    });
    expect((await run('info --env')).stdout).toBe(
      `MLFLOW_TRACKING_URI=${serverArn}\nAWS_REGION=us-east-1\n`,
    );
  });

  it('takes the ARN of the tracking URI with its region, and a name or ARN as argument', async () => {
    const named = { AWS_REGION: '', MLFLOW_TRACKING_SERVER_NAME: '' };
    const byUri = await run('info --env', { ...named, MLFLOW_TRACKING_URI: serverArn });
    expect(byUri.stdout).toContain(serverArn);
    expect((await run('info team-app --env')).stdout).toContain(appArn);
    expect((await run(`info ${appArn} --env`, named)).stdout).toContain(appArn);
    const unnamed = await run('info', named);
    expect(unnamed).toMatchObject({ code: 2 });
    expect(unnamed.stderr).toContain('No managed MLflow is named');
  });

  it('restarts only once the server has stopped', async () => {
    const end = await run('restart --wait --poll 1');
    expect(end).toMatchObject({ code: 0 });
    expect(end.stdout).toContain('in status Started');
    expect(end.stderr).toContain('Stopping after');
    expect(double.seen.filter((name) => /^(Start|Stop)/.test(name))).toEqual([
      'StopMlflowTrackingServer',
      'StartMlflowTrackingServer',
    ]);
  });

  it('asks for nothing that is so already', async () => {
    const end = await run('start');
    expect(end).toMatchObject({ code: 0 });
    expect(end.stdout).toContain('already');
    expect(double.seen).not.toContain('StartMlflowTrackingServer');
  });

  it('explains a status in between, and waits for it where it may', async () => {
    Object.assign(theServer(), { status: 'Updating' });
    const refused = await run('stop');
    expect(refused).toMatchObject({ code: 75 });
    expect(refused.stderr).toMatch(/in status Updating and cannot be stopped[^]*--wait/);
    theServer().next = ['Updating', 'Updated'];
    expect((await run('stop --wait --poll 1')).stdout).toContain('in status Stopped');
  });

  it('ends at once when the start has failed, with the likely cause', async () => {
    Object.assign(theServer(), { status: 'Stopped', onStart: ['Starting', 'StartFailed'] });
    const end = await run('start --wait --poll 1');
    expect(end).toMatchObject({ code: 2 });
    expect(end.stderr).toMatch(/StartFailed.*role\/mlflow.*s3:\/\/mlflow-artifacts\/team/);
  });

  it('gives up when the time is over', async () => {
    Object.assign(theServer(), { status: 'Creating' });
    const end = await run('start --wait --poll 1 --timeout 2s');
    expect(end).toMatchObject({ code: 75 });
    expect(end.stderr).toContain('waited for no longer');
  });

  it('prints the link once on stdout, and how long it works elsewhere', async () => {
    const end = await run('url --expires-in 60');
    expect(end.stdout).toMatch(/^https:\/\/\S+authToken=once-\d+\n$/);
    expect(end.stderr).toContain('once, within 60 s');
    expect(end.stderr).not.toContain('authToken');
    expect((await run('url team-app')).stdout).toContain('app.aws/auth?authToken=');
  });

  it.each(['--expires-in 4', '--expires-in 301', '--session 1799', '--session 43201', '--poll 0'])(
    'refuses url %s before anything is asked',
    async (flags) => {
      expect(await run(`url ${flags}`)).toMatchObject({ code: 2 });
      expect(double.seen).toEqual([]);
    },
  );

  it('says that an app is neither started nor stopped', async () => {
    const end = await run('stop team-app');
    expect(end).toMatchObject({ code: 2 });
    expect(end.stderr).toContain('is an MLflow App: it has no stop');
  });

  it('names the missing permission', async () => {
    double.denied.add('DescribeMlflowTrackingServer');
    const end = await run('info');
    expect(end).toMatchObject({ code: 2 });
    expect(end.stderr).toMatch(/user\/worker[^]*Allow sagemaker:DescribeMlflowTrackingServer/);
  });
});
