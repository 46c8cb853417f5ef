import type { MlflowKind } from './kinds.ts';

export interface WorkerActions {
  /** On the ARN of the tracking server or app. */
  readonly mlflow: readonly string[];
  /** On `*`: these have no resource. */
  readonly list: readonly string[];
  /** On the bucket. */
  readonly bucket: readonly string[];
  /** On artifacts and on the copy of the state. */
  readonly objects: readonly string[];
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
const restActions = [
  'CreateExperiment',
  'CreateRun',
  'DeleteRun',
  'DeleteTag',
  'DeleteTraces',
  'EndTrace',
  'GetExperiment',
  'GetExperimentByName',
  'GetMetricHistory',
  'GetRun',
  'GetTraceInfo',
  'ListArtifacts',
  'LogBatch',
  'LogMetric',
  'LogParam',
  'RestoreRun',
  'SearchExperiments',
  'SearchRuns',
  'SearchTraces',
  'SetExperimentTag',
  'SetTag',
  'SetTraceTag',
  'StartTrace',
  'UpdateRun',
].map((action) => `sagemaker-mlflow:${action}`);

/** What each command of the worker needs: sync, verify, doctor, and `tracking-server` with its start and stop. */
export function workerActions(kind: MlflowKind): WorkerActions {
  const s3 = {
    bucket: ['s3:GetBucketLocation', 's3:ListBucket'],
    objects: [
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:GetObject',
      's3:ListMultipartUploadParts',
      's3:PutObject',
    ],
  };
  if (kind === 'app') {
    // One action is the door to the whole REST API of an App; the others are asked for behind it.
    return {
      mlflow: [
        'sagemaker:CallMlflowAppApi',
        'sagemaker:CreatePresignedMlflowAppUrl',
        'sagemaker:DescribeMlflowApp',
        ...restActions,
      ],
      list: ['sagemaker:ListMlflowApps'],
      ...s3,
    };
  }
  return {
    mlflow: [
      'sagemaker:CreatePresignedMlflowTrackingServerUrl',
      'sagemaker:DescribeMlflowTrackingServer',
      'sagemaker:StartMlflowTrackingServer',
      'sagemaker:StopMlflowTrackingServer',
      'sagemaker-mlflow:AccessUI',
      ...restActions,
    ],
    // A tracking server is described by its name; what is listed is whether an App has the name too.
    list: ['sagemaker:ListMlflowApps'],
    ...s3,
  };
}
