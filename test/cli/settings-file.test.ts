/** The settings file as a person meets it: on the command line, refused with places, then used. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLocalRuns } from '../support/local-runs.ts';
import { expectRefusal, openWorkplace } from './workplace.ts';

test('a file with problems ends it before anything is made, each with its line and column', async () => {
  await using place = await openWorkplace();
  writeFileSync(
    join(place.path, 'custom.yaml'),
    'metrics:\n  - name: peek\n    sql: (SELECT holder FROM lease)\ndimensions:\n  - teem\n',
  );
  await expectRefusal(place, {
    args: ['sync', '--settings', 'custom.yaml'],
    expected: {
      exitCode: 2,
      code: 'SETTINGS_INVALID',
      message:
        /2 settings cannot be used:[^]*custom\.yaml:3:10: the SQL of metric peek has SELECT[^]*custom\.yaml:5:5: there is no dimension "teem"/,
      next: /./,
    },
  });
});

test('a good file adds metrics and dimension runs, and verify agrees', async () => {
  await using place = await openWorkplace();
  writeFileSync(
    join(place.path, 'custom.yaml'),
    'metrics:\n  - { name: your_metric, sql: COUNT(*) }\ndimensions:\n  - { name: user, top: 2 }\n',
  );
  const synced = await place.run(['sync', '--settings', 'custom.yaml']);
  expect(synced).toMatchObject({ code: 0 });
  const runs = readLocalRuns(place.path);
  const dimension = runs.filter((run) => run.tags['langfuse_mlflow.grain'] === 'dimension');
  expect(dimension.length).toBeGreaterThan(2);
  for (const run of dimension) expect(run.metrics['your_metric']).toBe(run.metrics['attempts']);
  const verified = await place.run(['verify'], { SYNC_SETTINGS_FILE: 'custom.yaml' });
  expect(verified).toMatchObject({ code: 0 });
  const without = await place.run(['verify']);
  expect(without.code).toBe(3);
});
