/**
 * The artifacts of a run by a hash that is equal in every experiment: reports link to the runs beside them, and so
 * hold the id of the experiment that they are in; a manifest holds the checksums of such reports.
 */
import { createHash } from 'node:crypto';
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
  const sent = new Map<string, Buffer>();
  for (const path of await api.listArtifacts(runId)) {
    sent.set(path, await api.downloadArtifact(runId, path));
  }
  const texts = new Map([...sent].map(([path, bytes]) => [path, withoutExperiment(bytes)]));
  const manifest = sent.get('manifest.json');
  if (manifest !== undefined) {
    texts.set('manifest.json', comparableManifest(manifest, { sent, texts }));
  }
  return Object.fromEntries([...texts].map(([path, text]) => [path, sha256(text)]));
}

function comparableManifest(
  bytes: Buffer,
  files: {
    readonly sent: ReadonlyMap<string, Buffer>;
    readonly texts: ReadonlyMap<string, string>;
  },
): string {
  const manifest = JSON.parse(bytes.toString('utf8')) as { artifacts: readonly ManifestEntry[] };
  const artifacts = manifest.artifacts.map((entry) => {
    const file = files.sent.get(entry.path);
    if (file?.length !== entry.bytes || sha256(file) !== entry.sha256) {
      throw new Error(`manifest.json says of ${entry.path} what is not in MLflow.`);
    }
    return { path: entry.path, sha256: sha256(files.texts.get(entry.path) ?? '') };
  });
  return JSON.stringify({ ...manifest, artifacts });
}

const withoutExperiment = (bytes: Buffer): string =>
  bytes.toString('latin1').replaceAll(/(\/experiments\/)\d+/g, '$1ID');

const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');
