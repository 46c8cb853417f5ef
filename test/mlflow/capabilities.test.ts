import { describe, expect, test } from 'vitest';
import { createCapabilities, type TargetKind } from '../../src/mlflow/capabilities.ts';
import { AppError } from '../../src/shared/errors.ts';
import { json, useScriptedMlflow, wireRun } from '../support/mlflow-scripted.ts';

const mlflow = useScriptedMlflow();

function openTable(
  kind: TargetKind,
  version: string | null,
): { readonly table: ReturnType<typeof createCapabilities>; readonly asked: string[] } {
  const asked: string[] = [];
  const table = createCapabilities({
    kind,
    version,
    ask(question) {
      asked.push(question.path);
      return Promise.resolve();
    },
    onNotice: () => undefined,
  });
  return { table, asked };
}

describe('what is known without asking', () => {
  test('SageMaker is asked neither for its proxy nor for OTLP', async () => {
    const { table, asked } = openTable('managed', null);
    const found = await table.list();
    const never = found.filter(({ isThere }) => isThere === false);
    expect(never.map(({ name, by }) => [name, by])).toEqual([
      ['artifact_proxy', 'kind'],
      ['otlp_traces', 'kind'],
    ]);
    expect(asked).toHaveLength(5);
    expect(asked.join(' ')).not.toMatch(/mlflow-artifacts|v1\/traces/);
  });

  test('a version that is too old is asked nothing, one that is new or unknown is', async () => {
    for (const [version, isAsked] of [
      ['2.22.1', false],
      ['3.5.1', false],
      ['3.6.0', true],
      ['10.0.0', true],
      [null, true],
    ] as const) {
      const { table, asked } = openTable('plain', version);
      expect((await table.find('otlp_traces')).isThere).toBe(isAsked);
      expect(asked).toHaveLength(isAsked ? 1 : 0);
    }
  });

  test('a local file is asked nothing', async () => {
    const { table, asked } = openTable('local', null);
    expect((await table.list()).every(({ isThere }) => isThere === false)).toBe(true);
    expect(asked).toEqual([]);
  });
});

describe('asking', () => {
  test('is done once, however many want to know at the same time', async () => {
    const { table, asked } = openTable('plain', null);
    await Promise.all([table.find('traces'), table.find('traces'), table.list()]);
    expect(
      asked.filter((path) => path.includes('traces/tr-') && !path.includes('/a-')),
    ).toHaveLength(1);
  });

  test.each([
    [403, json({ error_code: 'PERMISSION_DENIED', message: 'no' }, 403), false],
    [401, { status: 401 }, false],
    [404, { status: 404, body: '<!doctype html><html>Not Found</html>' }, false],
    [404, json({ error_code: 'ENDPOINT_NOT_FOUND', message: 'no' }, 404), false],
    [404, json({ error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such trace' }, 404), true],
    [405, { status: 405 }, false],
    [501, json({ error_code: 'NOT_IMPLEMENTED', message: 'file store' }, 501), false],
    [500, json({ error_code: 'INTERNAL_ERROR', message: 'oops' }, 500), null],
    [200, json({}), true],
  ] as const)('HTTP %i to a question', async (_status, answer, isThere) => {
    mlflow().answer(answer);
    const target = await mlflow().open();
    expect(await target.capabilities.find('traces')).toMatchObject({ isThere, by: 'probe' });
  });

  test('a server that is away is unknown, and asked again later', async () => {
    mlflow().answer({ status: 502 }, { status: 502 }, json({}));
    const target = await mlflow().open({ maxRetries: 1 });
    await expect(target.capabilities.find('traces')).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
    });
    expect(await target.capabilities.find('traces')).toMatchObject({ isThere: true });
  });

  test('what a server refuses on first use is off from then on, and said once', async () => {
    mlflow().answer(json({}));
    const target = await mlflow().open();
    expect(await target.capabilities.find('assessments')).toMatchObject({ isThere: true });
    target.capabilities.turnOff('assessments', 'HTTP 403');
    target.capabilities.turnOff('assessments', 'HTTP 403');
    expect(await target.capabilities.find('assessments')).toMatchObject({
      isThere: false,
      by: 'use',
      because: 'HTTP 403',
    });
    expect(mlflow().notices.filter((notice) => notice.includes('goes on without'))).toHaveLength(1);
  });

  test('a fault of the worker is no answer', async () => {
    const table = createCapabilities({
      kind: 'plain',
      version: null,
      ask: () => Promise.reject(new AppError('INTERNAL', 'a fault')),
      onNotice: () => undefined,
    });
    await expect(table.find('traces')).rejects.toThrow('a fault');
  });
});

test.each([401, 403])('a /version that is protected (HTTP %i) stops nobody', async (status) => {
  mlflow().server.onRequest = ({ path }) =>
    path === '/version' ? { status } : json({ run: wireRun });
  const target = await mlflow().open();
  expect(target.description.version).toBeNull();
  expect(await target.getRun('abc')).toMatchObject({ runId: 'abc' });
});
