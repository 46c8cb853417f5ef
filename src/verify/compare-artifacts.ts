/** Compares the artifacts of a run, by checksum, with what would be written now. */
import { createHash } from 'node:crypto';
import { volatileMetrics } from '../metrics/window-counters.ts';
import type { ArtifactSpec } from '../runs/run-spec.ts';
import type { RunRef, Target } from '../sync/ports.ts';
import type { Difference } from './drift.ts';

const manifestPath = 'manifest.json';

/** Reads every artifact back. Throws MLFLOW_ARTIFACTS_UNSUPPORTED where they can't be read from here. */
export async function compareArtifacts(
  target: Pick<Target, 'getArtifact'>,
  run: RunRef,
  artifacts: readonly ArtifactSpec[],
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const artifact of artifacts) {
    const found = await target.getArtifact({ run, path: artifact.path });
    const expected = await artifact.render();
    if (found !== null && isSame(artifact.path, expected, found)) continue;
    differences.push({
      what: `artifact ${artifact.path}`,
      expected: toSha256(expected),
      found: found === null ? null : toSha256(found),
    });
  }
  return differences;
}

function toSha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function isSame(path: string, expected: Uint8Array, found: Uint8Array): boolean {
  if (Buffer.compare(expected, found) === 0) return true;
  if (path !== manifestPath) return false;
  const [wanted, actual] = [toLastingManifest(expected), toLastingManifest(found)];
  return wanted !== null && wanted === actual;
}

/** What a manifest tells of the window; the rest tells of the reading that was published. Null when it is none. */
function toLastingManifest(bytes: Uint8Array): string | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  if (!isRecord(manifest)) return null;
  const { counters, metrics } = manifest;
  return JSON.stringify({
    ...manifest,
    worker_version: null,
    reader: null,
    langfuse_version: null,
    counters: isRecord(counters)
      ? {
          double_logged_dropped: counters['double_logged_dropped'],
          rows_quarantined: counters['rows_quarantined'],
        }
      : null,
    metrics: isRecord(metrics)
      ? Object.entries(metrics).filter(([name]) => !volatileMetrics.has(name))
      : null,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
