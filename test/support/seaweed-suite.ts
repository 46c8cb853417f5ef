/** Suites that need a real S3 server. */
import { describe, inject } from 'vitest';

/** `describe` for tests that need SeaweedFS; skipped, with the reason in its name, where it is missing. */
export function describeWithSeaweed(name: string, tests: () => void): void {
  const { problem } = inject('seaweed');
  const title = problem === null ? name : `${name} [skipped: ${problem}]`;
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both come from the caller
  describe.skipIf(problem !== null)(title, tests);
}
