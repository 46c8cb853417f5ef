import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { MlflowApi } from '../mlflow-api.ts';
import type { ManagedMlflow } from './managed-mlflow.ts';

/** MLflow's API, with artifacts read from S3 where each run says that they lie. */
export function readingS3(api: MlflowApi, managed: ManagedMlflow): MlflowApi {
  const { client } = managed.s3;

  async function placeOf(runId: string): Promise<{ Bucket: string; prefix: string }> {
    const url = `${managed.mlflow.url}/api/2.0/mlflow/runs/get?run_id=${runId}`;
    const { run } = (await (await fetch(url)).json()) as {
      run: { info: { artifact_uri: string } };
    };
    const [, Bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(run.info.artifact_uri) ?? [];
    return { Bucket, prefix: `${prefix}/` };
  }

  return {
    ...api,
    async listArtifacts(runId) {
      const { Bucket, prefix } = await placeOf(runId);
      const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
      return (listed.Contents ?? []).map((one) => (one.Key ?? '').slice(prefix.length));
    },
    async downloadArtifact(runId, path) {
      const { Bucket, prefix } = await placeOf(runId);
      const answer = await client.send(new GetObjectCommand({ Bucket, Key: `${prefix}${path}` }));
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    },
  };
}
