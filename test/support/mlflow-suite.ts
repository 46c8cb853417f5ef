/** Suites that need real MLflow versions. */
import { describe, inject } from 'vitest';
import type { MlflowVersion } from './mlflow-install.ts';

/** The environment of an installed version. Throws when it is not there; use {@link describeWithMlflow} around it. */
export function requireMlflow(version: MlflowVersion): string {
  const install = inject('mlflow')[version];
  if (install.folder === null) throw new Error(install.problem);
  return install.folder;
}

/** `describe` for tests that need these versions; skipped, with the reason in its name, where one is missing. */
export function describeWithMlflow(
  name: string,
  versions: readonly MlflowVersion[],
  tests: () => void,
): void {
  const problems = versions
    .map((version) => inject('mlflow')[version].problem)
    .filter((problem) => problem !== null);
  const title = problems.length === 0 ? name : `${name} [skipped: ${problems.join(' ')}]`;
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both come from the caller
  describe.skipIf(problems.length > 0)(title, tests);
}
