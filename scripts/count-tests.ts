/**
 * Counts what vitest's JSON report says and prints `N passed, N failed` (and `, N skipped`) as its last
 * line. Ends with 0 only when something passed and nothing failed.
 *
 *   tsx scripts/count-tests.ts --report FILE --check EXIT_CODE --tests EXIT_CODE
 *
 * What no test stands for counts as one failure: a check that failed, a test file that could not be
 * loaded, a run that ended badly although every test passed, a report that is missing.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});
type Report = z.infer<typeof Report>;

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const { values } = parseArgs({
  options: {
    report: { type: 'string', default: '' },
    check: { type: 'string', default: '' },
    tests: { type: 'string', default: '' },
  },
});

const count = countReport(readReport(values.report));
if (values.tests !== '0' && count.failed === 0) {
  addFailure(count, `vitest ended with exit code ${values.tests}, although no test failed`);
}
if (values.check !== '0') {
  addFailure(count, `npm run check ended with exit code ${values.check}`);
}
if (count.passed + count.failed === 0) addFailure(count, 'no test was run');
const skipped = count.skipped === 0 ? '' : `, ${count.skipped} skipped`;
process.stdout.write(`${count.passed} passed, ${count.failed} failed${skipped}\n`);
process.exitCode = count.failed === 0 ? 0 : 1;

function countReport(report: Report | null): Count {
  const counted: Count = { passed: 0, failed: 0, skipped: 0 };
  if (report === null) {
    addFailure(counted, 'vitest left no report that can be read: it ended before its tests did');
    return counted;
  }
  for (const { name, status, assertionResults } of report.testResults) {
    const failures = assertionResults.filter((result) => result.status === 'failed').length;
    const passes = assertionResults.filter((result) => result.status === 'passed').length;
    counted.failed += failures;
    counted.passed += passes;
    counted.skipped += assertionResults.length - failures - passes;
    if (status === 'failed' && failures === 0) {
      addFailure(counted, `failed outside of its tests: ${name}`);
    }
  }
  return counted;
}

function addFailure(counted: Count, reason: string): void {
  process.stdout.write(`${reason}\n`);
  counted.failed += 1;
}

function readReport(path: string): Report | null {
  try {
    return Report.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
