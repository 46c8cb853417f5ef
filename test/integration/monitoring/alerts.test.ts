/** deploy/monitoring/alerts.yml, tested by promtool with alerts.test.yml: each alert fires when it should, and not before. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { installByScript, run } from '../../support/mlflow-install.ts';
import { openTempFolder } from '../../support/temp-folder.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../deploy/monitoring/${name}`, import.meta.url), 'utf8');
const rules = read('alerts.yml');
const tests = read('alerts.test.yml');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}
const alerts = (parse(rules) as Rules).groups.flatMap((group) =>
  group.rules.map(({ alert }) => alert),
);

describe('alert rules', () => {
  let folder: string | null = null;
  let problem: string | null = null;

  beforeAll(async () => {
    const install = await installByScript({
      script: 'install-promtool.sh',
      args: [],
      name: 'promtool',
    });
    ({ folder, problem } = install);
    if (problem !== null && process.env.CI === 'true') throw new Error(problem);
  });

  beforeEach((context) => {
    if (problem !== null) context.skip(problem);
  });

  /** What promtool says about the tests with other rules. */
  async function testRules(changed: string): Promise<{ code: number | null; said: string }> {
    using place = openTempFolder();
    writeFileSync(join(place.path, 'alerts.yml'), changed);
    writeFileSync(join(place.path, 'alerts.test.yml'), tests);
    const program = join(folder ?? '', 'bin', 'promtool');
    const file = join(place.path, 'alerts.test.yml');
    const { code, stdout, stderr } = await run(program, ['test', 'rules', file]);
    return { code, said: `${stdout}${stderr}` };
  }

  test('fire as their tests say', async () => {
    expect(await testRules(rules)).toEqual({ code: 0, said: expect.stringContaining('SUCCESS') });
  });

  test('there are some', () => {
    expect(alerts.length).toBeGreaterThan(5);
  });

  test.each(alerts)('%s has a test that fails without it', async (alert) => {
    const without = rules.replace(`alert: ${alert}\n`, 'alert: Another\n');
    const { code, said } = await testRules(without);
    expect(said).toContain(alert);
    expect(code).not.toBe(0);
  });
});
