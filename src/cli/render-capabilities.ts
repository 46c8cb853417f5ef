import { toVisibleLine } from '../report/visible-text.ts';
import type { Capability } from '../sync/ports.ts';

/** What `doctor` says of an MLflow that answers: a line for each thing that it may be able to do. */
export function renderCapabilities(capabilities: readonly Capability[]): string[] {
  if (capabilities.length === 0) return [];
  const lines = capabilities.map(
    ({ name, use, isThere, by, because }) =>
      `${toWord(isThere)}  ${name.padEnd(16)}  ${use} (${by}: ${toVisibleLine(because)})`,
  );
  return ['', 'What this MLflow can do; none of it is needed by sync:', ...lines];
}

/** The contract of `--json`, docs/formats.md. */
export function toCapabilitiesJson(
  capabilities: readonly Capability[],
  hide: (text: string) => string,
): readonly Record<string, unknown>[] {
  return capabilities.map(({ name, isThere, by, because }) => ({
    name,
    is_there: isThere,
    by,
    because: hide(because),
  }));
}

function toWord(isThere: boolean | null): string {
  if (isThere === null) return '?   ';
  return isThere ? 'yes ' : 'no  ';
}
