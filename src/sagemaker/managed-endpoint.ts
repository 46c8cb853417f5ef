/** Where a managed MLflow answers, and how a request to it is signed: four things that follow from its ARN. */

export interface ManagedEndpoint {
  readonly arn: string;
  readonly region: string;
  readonly base: URL;
  /** The name in the credential scope of a signature. */
  readonly service: 'sagemaker-mlflow' | 'sagemaker';
  /** Tells the front door which server is meant; without it, every answer is 500. */
  readonly header: 'x-mlflow-sm-tracking-server-arn' | 'x-sm-mlflow-app-arn';
  /** What IAM must allow, in words for a message. */
  readonly actions: string;
}

/** As the plugin of MLflow's Python client does (https://github.com/aws/sagemaker-mlflow). */
export function toManagedEndpoint(
  managed: {
    readonly arn: string;
    readonly region: string;
    readonly resource: 'mlflow-tracking-server' | 'mlflow-app';
  },
  customEndpoint: string | null,
): ManagedEndpoint {
  const { arn, region } = managed;
  if (managed.resource === 'mlflow-app') {
    return {
      arn,
      region,
      base: new URL(customEndpoint ?? `https://mlflow.sagemaker.${region}.app.aws`),
      service: 'sagemaker',
      header: 'x-sm-mlflow-app-arn',
      actions: 'sagemaker:CallMlflowAppApi',
    };
  }
  return {
    arn,
    region,
    base: new URL(customEndpoint ?? `https://${region}.experiments.sagemaker.aws`),
    service: 'sagemaker-mlflow',
    header: 'x-mlflow-sm-tracking-server-arn',
    actions: 'the sagemaker-mlflow actions',
  };
}
