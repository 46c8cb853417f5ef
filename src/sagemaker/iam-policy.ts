/** Which IAM actions the worker needs, and the policy that grants no more. Pure. */

export type ManagedKind = 'tracking-server' | 'app';

export interface WorkerActions {
  /** On the ARN of the tracking server or app. */
  readonly mlflow: readonly string[];
  /** On `*`: lists have no resource. */
  readonly list: readonly string[];
  /** On a bucket. */
  readonly bucket: readonly string[];
  /** On artifacts and on the copy of the state. */
  readonly objects: readonly string[];
}

export interface PolicyTarget {
  readonly kind: ManagedKind;
  readonly arn: string;
  /** `s3://bucket/prefix` that the artifacts are kept under; null where it is not known. */
  readonly artifactRoot: string | null;
  /** Keys that encrypt the artifacts, each as an id, an alias or an ARN. */
  readonly kmsKeys: readonly string[];
  /** The object that the state is copied to; null without one. */
  readonly backup: { readonly bucket: string; readonly key: string } | null;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
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

/** The same list as deploy/cdk has; a test holds them together. */
export function workerActions(kind: ManagedKind): WorkerActions {
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
    return {
      // One action is the door to the whole REST API of an App; the others are asked for behind it.
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

/** The least that sync, verify, doctor and tracking-server need on this target. An unknown artifact root grants no S3. */
export function toWorkerPolicy(target: PolicyTarget): PolicyDocument {
  const partition = target.arn.split(':')[1] ?? 'aws';
  const actions = workerActions(target.kind);
  const artifacts = target.artifactRoot === null ? null : parseRoot(target.artifactRoot);
  const places = [
    ...(artifacts === null
      ? []
      : [{ bucket: artifacts.bucket, objects: [`${artifacts.prefix}*`] }]),
    ...(target.backup === null
      ? []
      : [
          {
            bucket: target.backup.bucket,
            objects: [target.backup.key, `${target.backup.key}.lease`],
          },
        ]),
  ];
  const toArn = (path: string): string => `arn:${partition}:s3:::${path}`;
  const statements: PolicyStatement[] = [
    { Sid: 'Mlflow', Effect: 'Allow', Action: actions.mlflow, Resource: target.arn },
    { Sid: 'FindMlflowByName', Effect: 'Allow', Action: actions.list, Resource: '*' },
  ];
  if (places.length > 0) {
    statements.push(
      {
        Sid: 'Bucket',
        Effect: 'Allow',
        Action: actions.bucket,
        Resource: [...new Set(places.map(({ bucket }) => toArn(bucket)))],
      },
      {
        Sid: 'Objects',
        Effect: 'Allow',
        Action: actions.objects,
        Resource: places.flatMap(({ bucket, objects }) =>
          objects.map((object) => toArn(`${bucket}/${object}`)),
        ),
      },
    );
  }
  for (const [index, key] of [...new Set(target.kmsKeys)].entries()) {
    statements.push({
      Sid: index === 0 ? 'Key' : `Key${index + 1}`,
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      ...toKeyGrant(key, target.arn),
    });
  }
  return { Version: '2012-10-17', Statement: statements };
}

/** IAM takes no alias for a resource: its key is then told by a condition. https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html */
function toKeyGrant(
  key: string,
  ofArn: string,
): Pick<PolicyStatement, 'Resource'> & Partial<Pick<PolicyStatement, 'Condition'>> {
  const [, partition = 'aws', , region = '', account = ''] = ofArn.split(':');
  const [, ownRegion, ownAccount, arnAlias] =
    /^arn:[^:]+:kms:([^:]+):([^:]+):(alias\/.+)$/.exec(key) ?? [];
  const alias = arnAlias ?? (key.startsWith('alias/') ? key : null);
  if (alias !== null) {
    return {
      Resource: `arn:${partition}:kms:${ownRegion ?? region}:${ownAccount ?? account}:key/*`,
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } },
    };
  }
  return {
    Resource: key.startsWith('arn:') ? key : `arn:${partition}:kms:${region}:${account}:key/${key}`,
  };
}

function parseRoot(root: string): { readonly bucket: string; readonly prefix: string } | null {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/.exec(root) ?? [];
  if (bucket === undefined) return null;
  return { bucket, prefix: path === '' ? '' : `${path}/` };
}
