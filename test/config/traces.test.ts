/** Which traces are written, and that a local file takes none. */
import { expect, test } from 'vitest';
import { keys, parse, problemsOf } from './settings-input.ts';

test('none unless they are asked for', () => {
  expect(parse({ env: keys }).settings.content.traces).toEqual({ kind: 'off' });
});

test('a share of the sessions, on a server', () => {
  const env = { ...keys, MLFLOW_TRACKING_URI: 'http://127.0.0.1:5000', SYNC_TRACES: 'sampled:10%' };
  expect(parse({ env }).settings.content.traces).toEqual({ kind: 'sampled', rate: 0.1 });
});

test('into a local file they are refused', () => {
  expect(
    problemsOf({
      env: { ...keys, MLFLOW_TRACKING_URI: 'sqlite:///mlflow.db', SYNC_TRACES: 'all' },
    }).join(),
  ).toContain('SYNC_TRACES (or --traces): needs an MLflow server');
});
