/** Artifacts beside a local store, where `mlflow ui` and MLflow's Python API find them. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../shared/errors.ts';
import type { RunRef } from '../sync/ports.ts';
import { toArtifactScheme, type ArtifactWriters } from './artifact-uri.ts';
import { toStoreError } from './local-errors.ts';

/** The folder beside the store that holds artifacts; also the default destination of `mlflow ui`'s own proxy. */
export const artifactFolder = 'mlartifacts';

/** Writers for the places that a store in `folder` can name. */
export function createLocalArtifactWriters(folder: string): ArtifactWriters {
  const writer = {
    get: ({ run, path }: { run: RunRef; path: string }) =>
      readWhole(join(toArtifactRoot(run.artifactUri, folder), ...path.split('/'))),
    put: ({ run, path, body }: { run: RunRef; path: string; body: Uint8Array }) =>
      writeWhole(join(toArtifactRoot(run.artifactUri, folder), ...path.split('/')), body),
  };
  return { file: writer, 'mlflow-artifacts': writer };
}

/**
 * The directory that an artifact URI of a store in `folder` means: a relative path is one beside the store,
 * and `mlflow-artifacts:` is where `mlflow ui`, started in that folder, keeps what it is sent.
 * Throws MLFLOW_ARTIFACTS_UNSUPPORTED for any other place.
 */
export function toArtifactRoot(artifactUri: string, folder: string): string {
  const scheme = toArtifactScheme(artifactUri);
  const isElsewhere =
    /^(?:mlflow-artifacts|file):\/\/[^/]/i.test(artifactUri) &&
    !/^file:\/\/localhost\//i.test(artifactUri);
  if ((scheme !== 'file' && scheme !== 'mlflow-artifacts') || isElsewhere) {
    throw new AppError(
      'MLFLOW_ARTIFACTS_UNSUPPORTED',
      `Artifacts of this experiment live at a ${scheme}: location on another host, which can't be written from here.`,
      { details: { scheme } },
    );
  }
  if (scheme === 'mlflow-artifacts') {
    const segments = artifactUri
      .slice('mlflow-artifacts:'.length)
      .split('/')
      .filter((segment) => segment !== '');
    if (segments.includes('..')) {
      throw new AppError(
        'MLFLOW_ARTIFACTS_UNSUPPORTED',
        'An artifact location with .. in it is not written to.',
      );
    }
    return join(folder, artifactFolder, ...segments);
  }
  if (/^file:\/\//i.test(artifactUri)) return fileURLToPath(artifactUri);
  const path = /^file:/i.test(artifactUri)
    ? decodeURIComponent(artifactUri.slice('file:'.length))
    : artifactUri;
  return isAbsolute(path) ? path : resolve(folder, path);
}

/** Null where there is no such file. */
async function readWhole(file: string): Promise<Uint8Array | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw toStoreError(error, file);
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))
  );
}

/**
 * Writes the file whole or not at all. What a killed worker leaves unfinished has the name that the next attempt
 * takes, since MLflow would show it as an artifact: only one worker writes a store at a time.
 */
async function writeWhole(file: string, body: Uint8Array): Promise<void> {
  const unfinished = join(dirname(file), `.${basename(file).slice(0, 200)}.part`);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(unfinished, body);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw toStoreError(error, file);
  }
}
