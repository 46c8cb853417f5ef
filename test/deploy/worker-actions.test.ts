/** The policy that the worker prints for an admin allows what the stack's policy allows. */
import { expect, test } from 'vitest';
import { openControlPlane } from '../../src/sagemaker/control-plane.ts';
import { findByName } from '../../src/sagemaker/find-by-name.ts';
import { workerActions } from '../../src/sagemaker/iam-policy.ts';
import { controlKeys, startControlDouble } from '../support/sagemaker-double/control-plane.ts';
import { listOf, permissionsOf } from './policies.ts';
import { fillIn, readTemplate, templateNames } from './template.ts';

test.each(templateNames)('%s.json allows the worker its actions, no more and no less', (name) => {
  const { resources } = fillIn(readTemplate(name));
  const byStatement = permissionsOf(resources['WorkerPolicy']).map(({ Sid, Action }) => [
    Sid,
    listOf(Action).toSorted(),
  ]);
  const actions = workerActions(name.startsWith('app') ? 'app' : 'tracking-server');
  expect(byStatement).toEqual([
    ['Mlflow', actions.mlflow.toSorted()],
    ['FindMlflowByName', actions.list.toSorted()],
    ['Bucket', actions.bucket.toSorted()],
    ['Objects', actions.objects.toSorted()],
  ]);
});

test('what a look-up by name asks of the lists is allowed, and no list that nobody asks', async () => {
  await using double = await startControlDouble();
  using plane = await openControlPlane({
    region: 'us-east-1',
    credentials: controlKeys,
    endpoint: double.url,
    signal: new AbortController().signal,
  });
  await findByName(plane, { name: 'team-mlflow', onNotice: () => undefined });
  const lists = double.seen.filter((operation) => operation.startsWith('List'));
  expect(workerActions('tracking-server').list).toEqual(
    [...new Set(lists)].map((operation) => `sagemaker:${operation}`),
  );
});
