import { bareUrl, parseHttpUrl } from './parse-http-url.ts';
import { refuseQuotes } from './parse-simple.ts';
import { refusal } from './refusal.ts';

/** Where runs are written: as `MLFLOW_TRACKING_URI` says it, or as a name alone does, which AWS must be asked about. */
export type TrackingUri = FoundTrackingUri | NamedTracking;

/** `MLFLOW_TRACKING_SERVER_NAME` without a URI: a SageMaker tracking server or App of that name. */
export interface NamedTracking {
  readonly kind: 'named';
  readonly name: string;
}

/** Where runs are written, told apart by what the URI looks like. */
export type FoundTrackingUri =
  | {
      readonly kind: 'rest';
      /** Without credentials and without a slash at its end. */
      readonly url: string;
    }
  | {
      readonly kind: 'local';
      /** As written, relative to the working directory or absolute. */
      readonly path: string;
    }
  | {
      readonly kind: 'sagemaker';
      readonly arn: string;
      readonly partition: string;
      readonly region: string;
      readonly accountId: string;
      readonly resource: 'mlflow-tracking-server' | 'mlflow-app';
      /** Name of the tracking server, or id of the app. */
      readonly resourceId: string;
    };

const allowed =
  'must be the URL of an MLflow server (https://host), sqlite:///file.db, or the ARN of a SageMaker tracking server or app';

/**
 * Parses `MLFLOW_TRACKING_URI`: the URL of a server, `sqlite:///file`, or a SageMaker ARN.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone. Refuses what MLflow itself refuses (a folder,
 * from 3.13), what belongs to the server (its backend store), and links that only a browser can use.
 */
export function parseTrackingUri(text: string): FoundTrackingUri {
  if (!/^["'`]?https?:/i.test(text)) refuseQuotes(text);
  if (text.startsWith('arn:')) return parseArn(text);
  if (/^sqlite/i.test(text)) return { kind: 'local', path: parseSqlitePath(text) };
  refuseOtherStores(text);
  return { kind: 'rest', url: parseServerUrl(text) };
}

/** The URI as MLflow's own clients take it. */
export function renderTrackingUri(uri: FoundTrackingUri): string {
  switch (uri.kind) {
    case 'rest':
      return uri.url;
    case 'local':
      return `sqlite:///${uri.path}`;
    case 'sagemaker':
      return uri.arn;
  }
}

// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeMlflowTrackingServer.html and …MlflowApp.html
function parseArn(text: string): FoundTrackingUri {
  const match =
    /^arn:([a-z-]+):sagemaker:([a-z0-9-]+):(\d{12}):(mlflow-tracking-server|mlflow-app)\/([a-zA-Z0-9-]+)$/.exec(
      text,
    );
  const [, partition = '', region = '', accountId = '', resource = '', resourceId = ''] =
    match ?? [];
  if (!match || (resource !== 'mlflow-tracking-server' && resource !== 'mlflow-app')) {
    throw refusal(
      'is not the ARN of a SageMaker MLflow; write arn:aws:sagemaker:REGION:ACCOUNT:mlflow-tracking-server/NAME or …:mlflow-app/ID',
    );
  }
  if (partition !== 'aws' && partition !== 'aws-us-gov') {
    throw refusal(`names the partition ${partition}, where SageMaker offers no MLflow endpoint`);
  }
  return { kind: 'sagemaker', arn: text, partition, region, accountId, resource, resourceId };
}

function parseSqlitePath(text: string): string {
  const [, driver, path] = /^sqlite(\+\w+)?:\/\/\/(.*)$/i.exec(text) ?? [];
  if (path === undefined) {
    const rest = text.replace(/^sqlite(\+\w+)?:?\/*/i, '');
    throw refusal(`needs three slashes before the path; write sqlite:///${rest || 'mlflow.db'}`);
  }
  if (driver !== undefined) throw refusal(`names a Python driver; write sqlite:///${path}`);
  if (path === '' || path === ':memory:') {
    throw refusal('must name a file, such as sqlite:///mlflow.db; what is only in memory is lost');
  }
  if (/[?#]/.test(path)) {
    throw refusal(`has options after the path; write sqlite:///${path.replace(/[?#].*$/, '')}`);
  }
  if (/[/\\]$/.test(path)) throw refusal(`names a folder; write sqlite:///${path}mlflow.db`);
  return path;
}

function refuseOtherStores(text: string): void {
  if (/^databricks(-uc)?(:|$)/i.test(text)) {
    throw refusal('names Databricks, which this worker does not support');
  }
  if (/^(postgres(ql)?|mysql|mssql|oracle|mariadb)(\+\w+)?:/i.test(text)) {
    throw refusal(
      "is the server's own backend store; write the URL of the MLflow server that uses it, such as http://localhost:5000",
    );
  }
  if (/^(s3|gs|wasbs?|abfss?|dbfs|hdfs|mlflow-artifacts):/i.test(text)) {
    throw refusal(`is an artifact location; ${allowed}`);
  }
  if (/^[\w./~-]+\.(db|sqlite3?)$/i.test(text)) {
    throw refusal(`is a path; write sqlite:///${text}`);
  }
  // https://github.com/mlflow/mlflow/pull/22773
  const isFolder = /^file:/i.test(text) || /^[./~\\]|^[a-z]:[\\/]|^mlruns\b/i.test(text);
  if (isFolder && !text.startsWith('//')) {
    throw refusal(
      'is a folder, and MLflow from 3.13 on refuses to keep runs in a folder; write sqlite:///mlflow.db (`mlflow migrate-filestore` moves old runs there)',
    );
  }
}

function parseServerUrl(text: string): string {
  if (/[?&]authToken=|\/auth\?/i.test(text)) {
    throw refusal(
      'is a presigned link that opens the SageMaker MLflow page once, in a browser; write the ARN of the tracking server or app instead, and treat the link as a secret',
    );
  }
  if (!/^https?:/i.test(text) && !text.includes('://') && !/[.:]/.test(text)) {
    throw refusal(`${allowed}; for a host write http://${text}:5000`);
  }
  const url = parseHttpUrl(text, {
    credentials: 'MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD',
  });
  refuseManagedHosts(url);
  const [, prefix] = /^(.*?)\/(?:ajax-)?api\/\d\.\d(?:\/.*)?$/.exec(url.pathname) ?? [];
  if (prefix !== undefined) {
    throw refusal(
      `goes past the tracking URI (the worker adds /api by itself); write ${bareUrl(url, prefix)}`,
    );
  }
  return bareUrl(url);
}

function refuseManagedHosts(url: URL): void {
  const [, server, app] =
    /^(?:.+\.)?(?:([a-z0-9-]+)\.experiments\.sagemaker\.aws|mlflow\.sagemaker\.([a-z0-9-]+)\.app\.aws)$/.exec(
      url.hostname,
    ) ?? [];
  const region = server ?? app;
  if (region !== undefined) {
    const resource = app === undefined ? 'mlflow-tracking-server/NAME' : 'mlflow-app/ID';
    throw refusal(
      `is a SageMaker address, and only an ARN says which server and how to sign; write arn:aws:sagemaker:${region}:ACCOUNT:${resource}`,
    );
  }
  if (/\.(cloud\.databricks\.com|azuredatabricks\.net|gcp\.databricks\.com)$/.test(url.hostname)) {
    throw refusal('names Databricks, which this worker does not support');
  }
}
