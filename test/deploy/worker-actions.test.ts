/** The policy that the worker prints for an admin allows what the stack's policy allows. */
import { expect, test } from 'vitest';
import { workerActions } from '../../src/sagemaker/iam-policy.ts';
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
