/**
 * The artifacts of a run as they are in every MLflow and experiment: reports link to the runs beside them, and so hold
 * the address of the experiment that they are in; a manifest holds the checksums of such reports.
 */
import { createHash } from 'node:crypto';
import type { MemoryStore } from './memory-mlflow-store.ts';
import type { MlflowApi } from './mlflow-api.ts';

interface ManifestEntry {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Hex by path. Throws when a checksum in `manifest.json` is not that of the artifact as MLflow gives it. */
export async function hashComparableArtifacts(
  api: MlflowApi,
  runId: string,
): Promise<Record<string, string>> {
  const sent = new Map<string, Uint8Array>();
  for (const path of await api.listArtifacts(runId)) {
    sent.set(path, await api.downloadArtifact(runId, path));
  }
  return Object.fromEntries([...toComparable(sent)].map(([path, text]) => [path, sha256(text)]));
}

/** The same runs, those that are not deleted with comparable artifacts. Throws for such a checksum, too. */
export function withComparableArtifacts(store: MemoryStore): MemoryStore {
  const copy = store.clone();
  for (const run of [...copy.runs.values()].filter((one) => one.isActive)) {
    for (const [path, text] of toComparable(run.artifacts)) {
      run.artifacts.set(path, Buffer.from(text));
    }
  }
  return copy;
}

/** Path to text, a character for each byte. */
function toComparable(sent: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  const texts = new Map([...sent].map(([path, bytes]) => [path, withoutAddress(bytes)]));
  const manifest = sent.get('manifest.json');
  if (manifest !== undefined) {
    texts.set('manifest.json', comparableManifest(manifest, { sent, texts }));
  }
  return texts;
}

function comparableManifest(
  bytes: Uint8Array,
  files: {
    readonly sent: ReadonlyMap<string, Uint8Array>;
    readonly texts: ReadonlyMap<string, string>;
  },
): string {
  const manifest = JSON.parse(new TextDecoder().decode(bytes)) as {
    artifacts: readonly ManifestEntry[];
  };
  const artifacts = manifest.artifacts.map((entry) => {
    const file = files.sent.get(entry.path);
    if (file?.length !== entry.bytes || sha256(file) !== entry.sha256) {
      throw new Error(`manifest.json says of ${entry.path} what is not in MLflow.`);
    }
    return { path: entry.path, sha256: sha256(files.texts.get(entry.path) ?? '') };
  });
  return JSON.stringify({ ...manifest, artifacts });
}

const withoutAddress = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/(?:https?:\/\/[^\s"/]+\/#)?\/experiments\/\d+/g, '/experiments/ID');

const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');
