import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSqliteUri } from '../../src/mlflow/local-path.ts';
import { openTarget, toTargetKind } from '../../src/mlflow/open-target.ts';
import { systemClock } from '../../src/shared/clock.ts';

describe('toTargetKind', () => {
  test.each([
    ['http://127.0.0.1:5000', 'rest'],
    ['HTTPS://mlflow.example.com/prefix', 'rest'],
    ['sqlite:///mlflow.db', 'local'],
    [' sqlite:////var/lib/mlflow.db ', 'local'],
  ])('%s', (uri, kind) => {
    expect(toTargetKind(uri)).toBe(kind);
  });

  test.each([
    ['arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/x', /must be signed/],
    ['./mlruns', /3\.13.*sqlite:\/\/\/mlflow\.db/],
    ['file:///tmp/mlruns', /3\.13/],
    ['C:\\mlruns', /3\.13/],
    ['postgresql://user:s3cret@db/mlflow', /mlflow server --backend-store-uri/],
    ['sqlite+pysqlite:///x.db', /mlflow server/],
    ['databricks', /3\.13/],
    ['databricks://profile', /Databricks/],
    ['ftp://x', /neither/],
  ])('%s is refused with what to write instead', (uri, message) => {
    expect(() => toTargetKind(uri)).toThrow(
      expect.objectContaining({
        code: 'SETTINGS_INVALID',
        message: expect.stringMatching(message),
      }),
    );
    expect(() => toTargetKind(uri)).not.toThrow(/s3cret/);
  });
});

describe('parseSqliteUri', () => {
  test('three slashes are from here, four are absolute', () => {
    expect(parseSqliteUri('sqlite:///mlflow.db')).toBe(resolve('mlflow.db'));
    expect(parseSqliteUri('sqlite:///a b/ü.db')).toBe(resolve('a b/ü.db'));
    expect(parseSqliteUri('sqlite:////var/lib/mlflow.db')).toBe('/var/lib/mlflow.db');
  });

  test.each([
    'sqlite://',
    'sqlite:///',
    'sqlite:///:memory:',
    'sqlite:mlflow.db',
    'sqlite:///x.db?mode=ro',
    'sqlite:///folder/',
  ])('%s names no file', (uri) => {
    expect(() => parseSqliteUri(uri)).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }),
    );
  });
});

test('a workspace needs a server: MLflow would not open such a file again', async () => {
  const settings = {
    trackingUri: 'sqlite:////tmp/never-made/mlflow.db',
    timeoutMs: 1,
    maxRetries: 0,
    clock: systemClock,
  };
  await expect(openTarget({ ...settings, workspace: 'team-a' })).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
  });
});
