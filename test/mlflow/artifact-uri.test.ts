import { describe, expect, test } from 'vitest';
import {
  checkArtifactPath,
  toArtifactScheme,
  toArtifactUrl,
} from '../../src/mlflow/artifact-uri.ts';
import { toArtifactRoot } from '../../src/mlflow/local-artifacts.ts';

describe('toArtifactUrl', () => {
  test.each([
    // The cases of mlflow/store/artifact/mlflow_artifacts_repo.py.
    [
      'mlflow-artifacts:/1/abc/artifacts',
      'http://mlflow:5000',
      'http://mlflow:5000/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/x.json',
    ],
    [
      'mlflow-artifacts:/',
      'http://mlflow:5000',
      'http://mlflow:5000/api/2.0/mlflow-artifacts/artifacts/x.json',
    ],
    [
      'mlflow-artifacts:/1/a',
      'https://host/prefix',
      'https://host/prefix/api/2.0/mlflow-artifacts/artifacts/1/a/x.json',
    ],
    [
      'mlflow-artifacts://files:8080/1/a',
      'https://host',
      'https://files:8080/api/2.0/mlflow-artifacts/artifacts/1/a/x.json',
    ],
    [
      'mlflow-artifacts:/a b/ü/c%20d',
      'http://h',
      'http://h/api/2.0/mlflow-artifacts/artifacts/a%20b/%C3%BC/c%20d/x.json',
    ],
    [
      'http://files/api/2.0/mlflow-artifacts/artifacts/1/a/',
      'https://host',
      'http://files/api/2.0/mlflow-artifacts/artifacts/1/a/x.json',
    ],
  ])('%s seen from %s', (artifactUri, tracking, expected) => {
    expect(toArtifactUrl(artifactUri, new URL(tracking), 'x.json').href).toBe(expected);
  });

  test('each segment of the path is encoded', () => {
    const url = toArtifactUrl('mlflow-artifacts:/1', new URL('http://h'), 'a b/ü & c+d.json');
    expect(url.pathname).toBe(
      '/api/2.0/mlflow-artifacts/artifacts/1/a%20b/%C3%BC%20%26%20c%2Bd.json',
    );
  });
});

describe('toArtifactScheme', () => {
  test.each([
    ['mlflow-artifacts:/1', 'mlflow-artifacts'],
    ['S3://bucket/x', 's3'],
    ['dbfs:/x', 'dbfs'],
    ['file:///x', 'file'],
    ['/x', 'file'],
    ['mlartifacts/1', 'file'],
    ['C:\\x', 'file'],
  ])('%s', (artifactUri, scheme) => {
    expect(toArtifactScheme(artifactUri)).toBe(scheme);
  });
});

describe('checkArtifactPath', () => {
  test.each(['a.json', 'sessions/2026-11-24/a b.md', 'ü 日本.txt', '.hidden', 'a..b'])(
    'takes %s',
    (path) => {
      expect(() => checkArtifactPath(path)).not.toThrow();
    },
  );

  test.each([
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a\\b',
    'a#b',
    'a%23b',
    'a\0',
    'a\uD800',
  ])('refuses %j', (path) => {
    expect(() => checkArtifactPath(path)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('toArtifactRoot', () => {
  test.each([
    ['mlartifacts/1/abc/artifacts', '/store/mlartifacts/1/abc/artifacts'],
    ['./mlartifacts/1', '/store/mlartifacts/1'],
    ['mlflow-artifacts:/1/abc', '/store/mlartifacts/1/abc'],
    ['/elsewhere/1', '/elsewhere/1'],
    ['file:///elsewhere/a%20b', '/elsewhere/a b'],
    ['file:mlruns/1', '/store/mlruns/1'],
  ])('%s', (artifactUri, expected) => {
    expect(toArtifactRoot(artifactUri, '/store')).toBe(expected);
  });

  test.each([
    's3://b/x',
    'mlflow-artifacts://host/1',
    'file://host/x',
    'mlflow-artifacts:/../../etc',
  ])('not %s', (artifactUri) => {
    expect(() => toArtifactRoot(artifactUri, '/store')).toThrow(
      expect.objectContaining({ code: 'MLFLOW_ARTIFACTS_UNSUPPORTED' }),
    );
  });
});
