import type { SampleTraffic } from '../../../src/demo/sample-types.ts';
import { openSyncBench, type SyncBench } from '../sync-bench.ts';
import type { ManagedMlflow } from './managed-mlflow.ts';

/** The nightly sync to the double by its ARN, artifacts straight to its S3; both go by the clock of the bench. */
export async function openManagedBench(
  managed: ManagedMlflow,
  sync: {
    readonly traffic: SampleTraffic;
    readonly nowMs: number;
    readonly experimentName: string;
  },
): Promise<SyncBench> {
  const bench = await openSyncBench({
    ...sync,
    trackingUri: managed.rest.arn,
    env: {
      SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: managed.rest.url,
      MLFLOW_S3_ENDPOINT_URL: managed.s3.url,
    },
  });
  managed.rest.setClock(() => bench.nowMs());
  return bench;
}
