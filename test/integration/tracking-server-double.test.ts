/** The double hands what is rightly signed to a real MLflow whose artifacts are on S3, and nothing else. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { fetchSigned } from '../support/sagemaker-double/sign.ts';

describeWithManagedMlflow('a managed MLflow on loopback', () => {
  let managed: ManagedMlflow;
  beforeAll(async () => {
    managed = await startManagedMlflow();
  });
  afterAll(async () => {
    await managed?.[Symbol.asyncDispose]();
  });

  function send(
    path: string,
    change: { body?: unknown; header?: boolean } = {},
  ): Promise<Response> {
    const body = change.body === undefined ? undefined : JSON.stringify(change.body);
    return fetchSigned({
      url: `${managed.rest.url}${path}`,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(change.header === false ? {} : { 'x-mlflow-sm-tracking-server-arn': managed.rest.arn }),
      },
      ...(body === undefined ? {} : { body }),
      service: 'sagemaker-mlflow',
      region: 'us-east-1',
      credentials: managed.s3.keys,
    });
  }

  it('keeps the artifacts of an experiment under its S3 root', async () => {
    const created = await send('/api/2.0/mlflow/experiments/create', { body: { name: 'a b/ü' } });
    expect(created.status).toBe(200);
    const found = await send(
      `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent('a b/ü')}`,
    );
    expect(await found.json()).toMatchObject({
      experiment: { artifact_location: expect.stringContaining(managed.artifactRoot) as string },
    });
  });

  it('answers 500 without the routing header, and 403 to what nobody signed', async () => {
    const path = '/api/2.0/mlflow/experiments/get-by-name?experiment_name=x';
    expect((await send(path, { header: false })).status).toBe(500);
    const unsigned = await fetch(`${managed.rest.url}${path}`, {
      headers: { 'x-mlflow-sm-tracking-server-arn': managed.rest.arn },
    });
    expect(unsigned.status).toBe(403);
  });

  it('has neither an artifact proxy nor OTLP', async () => {
    expect((await send('/api/2.0/mlflow-artifacts/artifacts/x')).status).toBe(404);
    expect((await send('/v1/traces', { body: {} })).status).toBe(404);
  });

  it('fails as often as it is told, and is denied, stopped and started again', async () => {
    const path = '/api/2.0/mlflow/experiments/search?max_results=1';
    managed.rest.failNext({ status: 429, times: 1, retryAfter: 3 });
    const throttled = await send(path);
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '3']);
    expect((await send(path)).status).toBe(200);
    managed.rest.setDenied(/search/);
    expect((await send(path)).status).toBe(403);
    managed.rest.setDenied(null);
    managed.rest.setStopped(true);
    expect((await send(path)).status).toBe(503);
    managed.rest.setStopped(false);
    expect((await send(path)).status).toBe(200);
  });
});
