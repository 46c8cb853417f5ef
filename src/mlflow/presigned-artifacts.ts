/**
 * Artifacts on S3 where the worker's own keys may not: by links that MLflow signs with the keys of its server
 * (`artifacts/presigned-upload-url`, MLflow 3.12). Own keys come first, since they need no request to MLflow.
 */
import { AppError } from '../shared/errors.ts';
import type { Capabilities, RunRef } from '../sync/ports.ts';
import type { ArtifactWriter } from './artifact-uri.ts';
import type { RestApi } from './rest-api.ts';
import type { SignedLink, SignedLinks } from './signed-links.ts';
import { signedLinkAnswer } from './wire-schemas.ts';

interface Place {
  readonly run: RunRef;
  readonly path: string;
}

/** `own` until S3 refuses it, or there are no keys; that is said once. Throws as `own` where MLflow signs no links. */
export function createPresignedArtifactWriter(parts: {
  readonly own: ArtifactWriter;
  readonly api: RestApi;
  readonly capabilities: Capabilities;
  readonly links: SignedLinks;
  readonly onNotice: (message: string) => void;
}): ArtifactWriter {
  const { own, capabilities, links } = parts;
  /** Why links are used from then on. */
  let refused: AppError | null = null;

  async function choose<T>(attempt: () => Promise<T>, byLink: () => Promise<T>): Promise<T> {
    if (refused === null) {
      try {
        return await attempt();
      } catch (error) {
        if (!isOfKeys(error)) throw error;
        if ((await capabilities.find('presigned_upload')).isThere !== true) throw error;
        refused = error;
        parts.onNotice(
          `${error.message} Artifacts go by links that MLflow signs from now on. This is said once.`,
        );
      }
    }
    return byLink();
  }

  async function sign(kind: 'upload' | 'download', { run, path }: Place): Promise<SignedLink> {
    try {
      const answer = await parts.api.search(
        `get a signed link for the artifact ${path} of run ${run.runId}`,
        {
          path: `artifacts/presigned-${kind}-url`,
          body: { run_id: run.runId, path },
          schema: signedLinkAnswer,
        },
      );
      return { url: answer.presigned_url, headers: answer.headers };
    } catch (error) {
      if (kind === 'download' || refused === null || !isOfServer(error)) throw error;
      // It knows the call and can't do it, as without boto3 or without a right of its own.
      capabilities.turnOff('presigned_upload', error.message);
      const first = refused;
      refused = null;
      throw first;
    }
  }

  return {
    put: (artifact) =>
      choose(
        () => own.put(artifact),
        async () =>
          links.put(await sign('upload', artifact), { at: at(artifact), body: artifact.body }),
      ),
    get: (artifact) =>
      choose(
        async () => (await own.get?.(artifact)) ?? null,
        async () => {
          try {
            return await links.get(await sign('download', artifact), { at: at(artifact) });
          } catch (error) {
            if (
              error instanceof AppError &&
              error.details['errorCode'] === 'RESOURCE_DOES_NOT_EXIST'
            )
              return null;
            throw error;
          }
        },
      ),
  };
}

const at = ({ run, path }: Place): string => `${run.artifactUri}/${path}`;

/** There are no keys, or S3 does not let them. */
function isOfKeys(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false;
  return error.code === 'AWS_CREDENTIALS' || error.code === 'MLFLOW_ARTIFACTS_DENIED';
}

function isOfServer(error: unknown): error is AppError {
  return (
    error instanceof AppError && error.code !== 'CANCELLED' && error.code !== 'MLFLOW_UNREACHABLE'
  );
}
