/** The newcomer's first command, twice in an empty folder. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleAliases } from '../../src/cli/demo-command.ts';
import { sampleModels } from '../../src/demo/sample-models.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli, startCli } from './built-cli.ts';
import { hashFiles } from './workplace.ts';

test('names of one model are joined, from the sample models themselves', () => {
  const aliases = sampleAliases();
  expect(aliases).toEqual([['azure/corp-reasoner-east', 'o4-mini']]);
  const groups = sampleModels.map((model) => model.group);
  for (const [, group] of aliases) expect(groups).toContain(group);
});

test(
  'in an empty folder, again, and again without its mlflow.db',
  { timeout: 180_000 },
  async () => {
    using folder = openTempFolder();
    // What the environment says of another Langfuse and of other settings is not for the demo.
    const env = { LANGFUSE_BASE_URL: 'not a url', SYNC_WINDOW: '6h', SYNC_MODEL_ALIASES: 'a=b' };
    const call = { args: ['demo'], cwd: folder.path, env };
    const first = await runCli(call);
    expect(first.code).toBe(0);
    expect(Object.keys(hashFiles(folder.path)).filter((name) => !name.includes('/'))).toEqual([
      'langfuse-mlflow-demo.db',
      'mlflow.db',
    ]);
    expect(first.stdout).toMatch(/│ o4-mini +│/);
    expect(first.stdout).not.toMatch(/│ corp-reasoner-east/);
    expect(first.stdout).toMatch(
      /^Names {5}azure\/corp-reasoner-east is counted as o4-mini: SYNC_MODEL_ALIASES/m,
    );
    expect(first.stdout).toMatch(/^ {2}mlflow ui {8}then http:\/\/127\.0\.0\.1:5000/m);

    const second = await runCli(call);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/^Runs {6}0 created, 0 updated/m);
    expect(second.stdout).toMatch(/^Again {5}the demo was here before: its last 3 days/m);
    expect(first.stdout).not.toMatch(/^Again/m);
    // Its state tells of runs that are gone with the file: it begins anew instead of writing nothing.
    rmSync(join(folder.path, 'mlflow.db'));
    const third = startCli(call);
    await third.said('14 windows to read');
    third.child.kill('SIGTERM');
    expect(await third.ended).toMatchObject({ code: 143 });
  },
);
