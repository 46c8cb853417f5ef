/**
 * Where the artifacts of a run live. The place is fixed when the experiment is created, so each run's own
 * `artifact_uri` decides and no setting does (mlflow/mlflow#5407).
 */
import { AppError } from '../shared/errors.ts';
import type { RunRef } from '../sync/ports.ts';

/** Puts artifacts in the places of one scheme, and reads them back where it can. */
export interface ArtifactWriter {
  /** The bytes, or null when there is no such artifact. */
  get?(artifact: { readonly run: RunRef; readonly path: string }): Promise<Uint8Array | null>;
  /** Takes an artifact away; it is no fault that there is none. */
  delete?(artifact: { readonly run: RunRef; readonly path: string }): Promise<void>;
  put(artifact: {
    readonly run: RunRef;
    /** Checked: relative, of safe segments. */
    readonly path: string;
    readonly body: Uint8Array;
    readonly contentType: string;
  }): Promise<void>;
}

/** Writers by scheme, without the colon; `file` also stands for a plain path. */
export type ArtifactWriters = Readonly<Record<string, ArtifactWriter>>;

/** The scheme of an artifact URI in lower case; `file` for a plain path. */
export function toArtifactScheme(artifactUri: string): string {
  return /^([a-z][a-z0-9+.-]+):/i.exec(artifactUri)?.[1]?.toLowerCase() ?? 'file';
}

/** Written through the server; only a managed one has no writer for them. */
const proxiedSchemes = new Set(['mlflow-artifacts', 'http', 'https']);

/** The writer for a run. Throws MLFLOW_ARTIFACTS_UNSUPPORTED naming the scheme when there is none. */
export function selectArtifactWriter(writers: ArtifactWriters, run: RunRef): ArtifactWriter {
  const scheme = toArtifactScheme(run.artifactUri);
  const writer = Object.hasOwn(writers, scheme) ? writers[scheme] : undefined;
  if (writer !== undefined) return writer;
  if (proxiedSchemes.has(scheme)) {
    throw new AppError(
      'MLFLOW_ARTIFACTS_UNSUPPORTED',
      `The artifacts of run ${run.runId} belong behind a server that hands them on (${scheme}:), which a managed MLflow does not. Use a new MLFLOW_EXPERIMENT_NAME: an experiment keeps the location it was created with.`,
      { details: { runId: run.runId, scheme } },
    );
  }
  const place =
    scheme === 'file'
      ? 'on a file system of the MLflow server, which the worker does not share'
      : `at a ${scheme}:// location, which the worker can't write to`;
  throw new AppError(
    'MLFLOW_ARTIFACTS_UNSUPPORTED',
    `The artifacts of run ${run.runId} belong ${place}. Start the server with --serve-artifacts and use a new MLFLOW_EXPERIMENT_NAME: an experiment keeps the location it was created with.`,
    { details: { runId: run.runId, scheme } },
  );
}

/** Reads an artifact. Throws MLFLOW_ARTIFACTS_UNSUPPORTED where it lies in a place that can only be written to. */
export async function readArtifact(
  writers: ArtifactWriters,
  artifact: { readonly run: RunRef; readonly path: string },
): Promise<Uint8Array | null> {
  checkArtifactPath(artifact.path);
  const writer = selectArtifactWriter(writers, artifact.run);
  if (writer.get !== undefined) return writer.get(artifact);
  const scheme = toArtifactScheme(artifact.run.artifactUri);
  throw new AppError(
    'MLFLOW_ARTIFACTS_UNSUPPORTED',
    `The artifacts of run ${artifact.run.runId} lie at a ${scheme}: location, which the worker can write to but not read.`,
    { details: { runId: artifact.run.runId, scheme } },
  );
}

/**
 * Checks the path of an artifact by what the server takes (`mlflow/utils/uri.py`, `validate_path_is_safe`):
 * relative, no `.` or `..`, no backslash, no `#` even encoded, and no `%` since the server decodes more than
 * once. Throws INTERNAL: paths are made by the worker itself.
 */
export function checkArtifactPath(path: string): void {
  const isSafe =
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    !/[\\#%:?\u0000-\u001f\u007f]/.test(path) &&
    path.isWellFormed() &&
    path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (!isSafe)
    throw new AppError(
      'INTERNAL',
      `Not an artifact path that MLflow takes: ${JSON.stringify(path)}.`,
    );
}

const proxyPath = 'api/2.0/mlflow-artifacts/artifacts';

/**
 * The URL to PUT an artifact to, for an `mlflow-artifacts:` or http(s) location. As in
 * `mlflow/store/artifact/mlflow_artifacts_repo.py`, a host in the location replaces the tracking server's,
 * whose scheme and path prefix stay.
 */
export function toArtifactUrl(artifactUri: string, trackingBase: URL, path: string): URL {
  const below = path.split('/').map(encodeURIComponent).join('/');
  const match = /^mlflow-artifacts:(?:\/\/([^/]*))?(.*)$/i.exec(artifactUri);
  if (match === null) {
    const url = new URL(artifactUri);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${below}`;
    return url;
  }
  const [, host = '', root = ''] = match;
  const url = new URL(trackingBase);
  if (host !== '') url.host = host;
  const prefix = trackingBase.pathname.replace(/\/+$/, '');
  url.pathname = [prefix, proxyPath, toEncodedPath(root), below]
    .filter((part) => part !== '')
    .join('/');
  return url;
}

/** Encodes what a URL can't hold and leaves alone what is encoded already. */
function toEncodedPath(path: string): string {
  return path
    .replace(/^\/+|\/+$/g, '')
    .replace(/[^A-Za-z0-9\-._~%!$&'()*+,;=:@/]/gu, encodeURIComponent);
}
