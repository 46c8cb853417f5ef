/** A managed MLflow as one has it on SageMaker: a real server whose artifacts are on a real S3, behind a checked door. */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { startMlflowServer, type MlflowServer } from '../mlflow-server.ts';
import { describeWithMlflow } from '../mlflow-suite.ts';
import { startSeaweed, type SeaweedServer } from '../seaweed-server.ts';
import { describeWithSeaweed } from '../seaweed-suite.ts';
import { startRestPlane, type RestPlane } from './rest-plane.ts';

export const trackingServerArn =
  'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team-mlflow';
export const appArn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-AAAABBBBCCCC';

export interface ManagedMlflow extends AsyncDisposable {
  readonly rest: RestPlane;
  readonly s3: SeaweedServer;
  readonly mlflow: MlflowServer;
  readonly bucket: string;
  /** Such as `s3://mlflow-artifacts/team`, without a slash at the end. */
  readonly artifactRoot: string;
}

/** `describe` for tests that need both servers; skipped, with the reason in its name, where one is missing. */
export function describeWithManagedMlflow(name: string, tests: () => void): void {
  describeWithMlflow(name, ['newest'], () => describeWithSeaweed('on S3', tests));
}

/**
 * The S3 server's full keys are taken by the REST plane too. Takes about ten seconds. `signsLinks`: with what MLflow
 * needs to sign links to artifacts, which the tests install beside it.
 */
export async function startManagedMlflow(
  arn: string = trackingServerArn,
  options: { readonly signsLinks?: boolean } = {},
): Promise<ManagedMlflow> {
  const started: AsyncDisposable[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started.toReversed()) await part[Symbol.asyncDispose]();
  };
  const keep = <T extends AsyncDisposable>(part: T): T => {
    started.push(part);
    return part;
  };
  try {
    const s3 = keep(await startSeaweed());
    const bucket = 'mlflow-artifacts';
    await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
    const artifactRoot = `s3://${bucket}/team`;
    const mlflow = keep(await startMlflowOnS3(s3, artifactRoot, options.signsLinks === true));
    const { accessKeyId, secretAccessKey } = s3.keys;
    const rest = keep(
      await startRestPlane({
        arn,
        mlflowUrl: mlflow.url,
        keys: { [accessKeyId]: { secretAccessKey } },
      }),
    );
    return { rest, s3, mlflow, bucket, artifactRoot, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startMlflowOnS3(
  s3: SeaweedServer,
  artifactRoot: string,
  signsLinks: boolean,
): Promise<MlflowServer> {
  const { folder, problem } = inject('boto3');
  if (signsLinks && folder === null) throw new Error(problem);
  return startMlflowServer({
    version: 'newest',
    extraArgs: ['--no-serve-artifacts', '--default-artifact-root', artifactRoot],
    env: {
      AWS_ACCESS_KEY_ID: s3.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      MLFLOW_S3_ENDPOINT_URL: s3.url,
      ...(signsLinks && folder !== null ? { PYTHONPATH: folder } : {}),
    },
  });
}
