import { describe, expect, test } from 'vitest';
import { parseLangfuseBaseUrl } from '../../src/config/parse-langfuse-base-url.ts';
import { parseTrackingUri, renderTrackingUri } from '../../src/config/parse-tracking-uri.ts';

describe('LANGFUSE_BASE_URL', () => {
  test.each([
    ['https://cloud.langfuse.com', 'https://cloud.langfuse.com'],
    ['https://us.cloud.langfuse.com/', 'https://us.cloud.langfuse.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['https://tools.example.com/langfuse//', 'https://tools.example.com/langfuse'],
    ['HTTPS://Langfuse.Example.com', 'https://langfuse.example.com'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is taken as %s', (text, url) => {
    expect(parseLangfuseBaseUrl(text)).toBe(url);
  });

  test.each([
    ['cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['localhost:3000', 'write http://localhost:3000'],
    ['langfuse:3000', 'write http://langfuse:3000'],
    ['127.0.0.1:3000', 'write http://127.0.0.1:3000'],
    ['//cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['https:/cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['https//cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['http:localhost:3000', 'write http://localhost:3000'],
    ['htp://localhost:3000', 'write http://localhost:3000'],
    ['htps://cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['httpss://cloud.langfuse.com', 'write https://cloud.langfuse.com'],
    ['ftp://cloud.langfuse.com', 'must begin with https:// or http://, not ftp://'],
    ['"https://cloud.langfuse.com"', 'write https://cloud.langfuse.com without them'],
    ["'cloud.langfuse.com'", 'write https://cloud.langfuse.com without them'],
    ['https://cloud.langfuse.com/api/public', 'write https://cloud.langfuse.com'],
    ['https://cloud.langfuse.com/api/public/traces?limit=1', 'write https://cloud.langfuse.com'],
    ['https://x.example.com/base/api/public/', 'write https://x.example.com/base'],
    ['https://x.example.com/api', 'write https://x.example.com'],
    ['https://cloud.langfuse.com/project/abc/traces?peek=1', 'write https://cloud.langfuse.com'],
    ['https://cloud.langfuse.com/auth/sign-in', 'write https://cloud.langfuse.com'],
    ['https://cloud.langfuse.com/?a=b', 'write https://cloud.langfuse.com'],
    ['https://cloud.langfuse.com#x', 'write https://cloud.langfuse.com'],
    ['https://langfuse.com', 'write https://cloud.langfuse.com'],
    ['http://us.cloud.langfuse.com', 'write https://us.cloud.langfuse.com'],
    ['https://pk:sk@cloud.langfuse.com', 'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY'],
    ['https://cloud.langfuse .com', 'space'],
    ['https://host:99999', 'is not a URL'],
    ['https://', 'is not a URL'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => parseLangfuseBaseUrl(text)).toThrow(wholeWords(reason));
  });

  test('what a correction says is itself accepted', () => {
    for (const text of [
      'cloud.langfuse.com',
      'https//a.b',
      'https://a.b/x/api/public',
      'htp://a:1',
    ]) {
      const message = messageOf(() => parseLangfuseBaseUrl(text));
      const [, correction = ''] = /write (\S+)/.exec(message) ?? [];
      expect(parseLangfuseBaseUrl(correction)).toBe(correction);
    }
  });
});

const region = 'arn:aws:sagemaker:us-east-1:123456789012';

describe('MLFLOW_TRACKING_URI', () => {
  test.each([
    ['http://localhost:5000/', { kind: 'rest', url: 'http://localhost:5000' }],
    ['https://m.example.com/mlflow', { kind: 'rest', url: 'https://m.example.com/mlflow' }],
    ['sqlite:///mlflow.db', { kind: 'local', path: 'mlflow.db' }],
    ['sqlite:////data/my runs.db', { kind: 'local', path: '/data/my runs.db' }],
    [
      `${region}:mlflow-tracking-server/my-server`,
      {
        kind: 'sagemaker',
        arn: `${region}:mlflow-tracking-server/my-server`,
        partition: 'aws',
        region: 'us-east-1',
        accountId: '123456789012',
        resource: 'mlflow-tracking-server',
        resourceId: 'my-server',
      },
    ],
  ])('%s is taken', (text, uri) => {
    const parsed = parseTrackingUri(text);
    expect(parsed).toEqual(uri);
    expect(renderTrackingUri(parsed)).toBe(text.replace(/\/$/, ''));
  });

  test('an app is known by its id', () => {
    expect(parseTrackingUri(`${region}:mlflow-app/app-ZLTLMHY2WXU4`)).toMatchObject({
      resource: 'mlflow-app',
      resourceId: 'app-ZLTLMHY2WXU4',
    });
  });

  test.each([
    ['./mlruns', 'refuses to keep runs in a folder'],
    ['mlruns', 'refuses to keep runs in a folder'],
    ['/var/mlruns', 'refuses to keep runs in a folder'],
    ['file:///var/mlruns', 'write sqlite:///mlflow.db'],
    ['file:./mlruns', 'refuses to keep runs in a folder'],
    ['C:\\mlruns', 'refuses to keep runs in a folder'],
    ['mlflow.db', 'write sqlite:///mlflow.db'],
    ['./data/mlflow.db', 'write sqlite:///./data/mlflow.db'],
    ['sqlite://mlflow.db', 'write sqlite:///mlflow.db'],
    ['sqlite:mlflow.db', 'write sqlite:///mlflow.db'],
    ['sqlite://', 'write sqlite:///mlflow.db'],
    ['sqlite:///', 'must name a file'],
    ['sqlite:///:memory:', 'must name a file'],
    ['sqlite:///data/', 'write sqlite:///data/mlflow.db'],
    ['sqlite:///mlflow.db?timeout=5', 'write sqlite:///mlflow.db'],
    ['sqlite+pysqlite:///mlflow.db', 'write sqlite:///mlflow.db'],
    ['"sqlite:///mlflow.db"', 'write sqlite:///mlflow.db without them'],
    ['postgresql://u:p@db/mlflow', "server's own backend store"],
    ['mysql+pymysql://u:p@db/mlflow', "server's own backend store"],
    ['mssql+pyodbc://db/mlflow', "server's own backend store"],
    ['s3://bucket/mlflow', 'artifact location'],
    ['databricks', 'Databricks, which this worker does not support'],
    ['databricks://profile', 'Databricks, which this worker does not support'],
    ['https://adb-1.2.azuredatabricks.net', 'Databricks, which this worker does not support'],
    ['mlflow', 'write http://mlflow:5000'],
    ['localhost:5000', 'write http://localhost:5000'],
    ['htp://localhost:5000', 'write http://localhost:5000'],
    ['"http://localhost:5000"', 'write http://localhost:5000 without them'],
    ['http://localhost:5000/#/experiments/1', 'write http://localhost:5000'],
    ['http://localhost:5000/api/2.0/mlflow', 'write http://localhost:5000'],
    ['http://localhost:5000/x/ajax-api/2.0/mlflow/runs', 'write http://localhost:5000/x'],
    ['https://u:p@mlflow.example.com', 'MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD'],
    ['https://t-abc.us-west-2.experiments.sagemaker.aws/auth?authToken=eyJh', 'presigned link'],
    ['https://app-1.mlflow.sagemaker.us-west-2.app.aws/auth?authToken=eyJh', 'presigned link'],
    [
      'https://us-west-2.experiments.sagemaker.aws',
      'write arn:aws:sagemaker:us-west-2:ACCOUNT:mlflow-tracking-server/NAME',
    ],
    [
      'https://t-abc.us-west-2.experiments.sagemaker.aws/',
      'write arn:aws:sagemaker:us-west-2:ACCOUNT:mlflow-tracking-server/NAME',
    ],
    [
      'https://us-west-2.experiments.sagemaker.aws/mlflow/name',
      'write arn:aws:sagemaker:us-west-2:ACCOUNT:mlflow-tracking-server/NAME',
    ],
    [
      'https://mlflow.sagemaker.eu-west-1.app.aws',
      'write arn:aws:sagemaker:eu-west-1:ACCOUNT:mlflow-app/ID',
    ],
    ['arn:aws:s3:::bucket', 'not the ARN of a SageMaker MLflow'],
    [`${region}:endpoint/x`, 'not the ARN of a SageMaker MLflow'],
    ['arn:aws-cn:sagemaker:cn-north-1:123456789012:mlflow-app/x', 'partition aws-cn'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => parseTrackingUri(text)).toThrow(wholeWords(reason));
  });

  test.each([
    'https://t-abc.us-west-2.experiments.sagemaker.aws/auth?authToken=eyJhbGciOi',
    'postgresql://user:hunter22@db/mlflow',
    'https://user:hunter22@mlflow.example.com/x',
  ])('the reason does not repeat the secret in %s', (text) => {
    expect(messageOf(() => parseTrackingUri(text))).not.toMatch(/eyJhbGciOi|hunter22/);
  });
});

/** A correction must end where it is expected to, or a path too much would go unseen. */
function wholeWords(reason: string): RegExp {
  return new RegExp(`${reason.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?=[\\s,;)]|$)`);
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('expected a refusal');
}
