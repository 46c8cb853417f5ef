/** What `doctor` says of S3, to a worker with keys for it and to one that has only the links that MLflow signs. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkplace, type Workplace } from '../cli/workplace.ts';
import {
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import {
  startControlDouble,
  type ControlDouble,
} from '../support/sagemaker-double/control-plane.ts';
import { startSts, type StsDouble } from '../support/sagemaker-double/sts.ts';
import type { S3Keys } from '../support/seaweed-server.ts';

const experiment = 'looked-at';

describeWithManagedMlflow('doctor and S3', () => {
  let managed: ManagedMlflow;
  let control: ControlDouble;
  let sts: StsDouble;
  let place: Workplace;

  beforeAll(async () => {
    managed = await startManagedMlflow(undefined, { signsLinks: true });
    const { keys, readOnlyKeys } = managed.s3;
    const all = { [keys.accessKeyId]: keys, [readOnlyKeys.accessKeyId]: readOnlyKeys };
    control = await startControlDouble();
    sts = await startSts({ keys: all });
    for (const [id, key] of Object.entries(all)) {
      control.keys.set(id, key);
      managed.rest.keys.set(id, key);
    }
    place = await openWorkplace();
    await fetch(`${managed.mlflow.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: experiment }),
    });
  }, 120_000);

  afterAll(async () => {
    for (const part of [place, sts, control, managed]) await part?.[Symbol.asyncDispose]();
  });

  interface Said {
    readonly code: number | null;
    readonly failures: readonly { readonly code: string; readonly message: string }[];
    /** `ok S3 put: …`, a line a check. */
    readonly lines: readonly string[];
  }

  async function look(keys: S3Keys): Promise<Said> {
    const end = await place.run(['doctor', '--json'], {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_SAGEMAKER: control.url,
      AWS_ENDPOINT_URL_STS: sts.url,
      SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: managed.rest.url,
      MLFLOW_S3_ENDPOINT_URL: managed.s3.url,
      MLFLOW_TRACKING_URI: managed.rest.arn,
      MLFLOW_EXPERIMENT_NAME: experiment,
    });
    if (!end.stdout.startsWith('{')) throw new Error(end.stderr);
    const { failures, checks } = JSON.parse(end.stdout) as {
      failures: Said['failures'];
      checks: { name: string; ok: boolean; detail: string }[];
    };
    return {
      code: end.code,
      failures,
      lines: checks
        .filter(({ name }) => /^S3|artifact/.test(name))
        .map(({ ok, name, detail }) => `${ok ? 'ok' : 'FAIL'} ${name}: ${detail}`),
    };
  }

  const at = String.raw`s3://mlflow-artifacts/team/\S+/artifacts/doctor\.txt`;

  it('own keys put, get and delete', async () => {
    const { code, lines } = await look(managed.s3.keys);
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^ok S3 put: ${at}$`)),
      expect.stringMatching(new RegExp(`^ok S3 get: ${at}$`)),
      expect.stringMatching(new RegExp(`^ok S3 delete: ${at}$`)),
      expect.stringMatching(/^ok run and artifact: /),
    ]);
    expect(code).toBe(0);
  });

  it('keys that S3 refuses: the link is said with the refused action, and nothing has failed', async () => {
    const { code, lines } = await look(managed.s3.readOnlyKeys);
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^ok S3 put: ${at} by a link that MLflow signs; by itself not: s3:PutObject on ${at}`,
        ),
      ),
      expect.stringMatching(new RegExp(`^ok S3 get: ${at} by a link that MLflow signs$`)),
      expect.stringMatching(
        new RegExp(`^ok S3 delete: ${at} stays, of 3 bytes: no link deletes, and s3:DeleteObject`),
      ),
      expect.stringMatching(/^ok run and artifact: /),
    ]);
    expect(code).toBe(0);
  });

  it('no link either: the put has failed, with the action, the place and who asked', async () => {
    managed.rest.setDenied(/presigned-upload-url/);
    const { code, lines, failures } = await look(managed.s3.readOnlyKeys);
    managed.rest.setDenied(null);
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^FAIL S3 put: s3:PutObject on ${at} was refused to arn:aws:iam::123456789012:user/worker`,
        ),
      ),
    ]);
    expect(failures.map((failure) => failure.code)).toEqual(['MLFLOW_ARTIFACTS_DENIED']);
    expect(code).toBe(2);
  });
});
