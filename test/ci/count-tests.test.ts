import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'count-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly lastLine: string;
  readonly output: string;
}

function runTool(tool: string, args: readonly string[]): Ended {
  const ended = spawnSync(join(root, 'node_modules', '.bin', tool), args, {
    cwd: folder,
    encoding: 'utf8',
    // Of the vitest that runs this very test, nothing must reach the one that it starts.
    env: { PATH: process.env['PATH'], HOME: folder },
  });
  return {
    status: ended.status,
    lastLine: ended.stdout.trim().split('\n').at(-1) ?? '',
    output: ended.stdout,
  };
}

function countReport({
  report,
  check = 0,
  tests,
}: {
  report: string;
  check?: number;
  tests: number | null;
}): Ended {
  const script = join(root, 'scripts', 'count-tests.ts');
  return runTool('tsx', [script, '--report', report, '--check', `${check}`, '--tests', `${tests}`]);
}

/** A real vitest over one file with this body; returns its exit code and its report. */
function runVitest(name: string, body: string): { report: string; tests: number | null } {
  const project = mkdtempSync(join(folder, `${name}-`));
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  writeFileSync(join(project, 'x.test.js'), `import { expect, test } from 'vitest';\n${body}\n`);
  const report = join(project, 'report.json');
  const { status } = runTool('vitest', [
    'run',
    '--root',
    project,
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  return { report, tests: status };
}

const good = "test('a', () => {}); test('b', () => {});";

describe('the count of a run', () => {
  test('that is all right, unless its check failed', () => {
    const run = runVitest('good', good);
    expect(countReport(run)).toMatchObject({ status: 0, lastLine: '2 passed, 0 failed' });
    expect(countReport({ ...run, check: 2 })).toMatchObject({
      status: 1,
      lastLine: '2 passed, 1 failed',
    });
  });

  test('with a failure and skipped tests', () => {
    const body = `${good} test('c', () => { expect(1).toBe(2); }); test.skip('d', () => {}); test.todo('e');`;
    expect(countReport(runVitest('bad', body))).toMatchObject({
      status: 1,
      lastLine: '2 passed, 1 failed, 2 skipped',
    });
  });

  test('with a file that cannot be loaded', () => {
    const counted = countReport(runVitest('broken', "throw new Error('broken');"));
    expect(counted).toMatchObject({ status: 1, lastLine: '0 passed, 1 failed' });
    expect(counted.output).toContain('failed outside of its tests');
  });

  test('that ended badly although every test passed', () => {
    const run = runVitest(
      'late',
      `${good} test('c', () => { void Promise.reject(new Error('late')); });`,
    );
    expect(run.tests).not.toBe(0);
    expect(countReport(run)).toMatchObject({ status: 1, lastLine: '3 passed, 1 failed' });
  });

  test('that left no report, half a report, or had no tests', () => {
    const half = join(folder, 'half.json');
    writeFileSync(half, '{"testResults": [');
    const empty = join(folder, 'empty.json');
    writeFileSync(empty, '{"testResults": []}');
    const crashed = { status: 1, lastLine: '0 passed, 1 failed' };
    expect(countReport({ report: join(folder, 'none.json'), tests: 139 })).toMatchObject(crashed);
    expect(countReport({ report: half, tests: 0 })).toMatchObject(crashed);
    expect(countReport({ report: empty, tests: 0 })).toMatchObject(crashed);
  });
});
