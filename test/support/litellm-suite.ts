/** Suites that need a real LiteLLM proxy. */
import { describe, inject } from 'vitest';

/** The environment of LiteLLM. Throws when it is not there; use {@link describeWithLitellm} around it. */
export function requireLitellm(): string {
  const install = inject('litellm');
  if (install.folder === null) throw new Error(install.problem);
  return install.folder;
}

/** `describe` for tests that need LiteLLM; skipped, with the reason in its name, where it is missing. */
export function describeWithLitellm(name: string, tests: () => void): void {
  const { problem } = inject('litellm');
  const title = problem === null ? name : `${name} [skipped: ${problem}]`;
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both come from the caller
  describe.skipIf(problem !== null)(title, tests);
}
