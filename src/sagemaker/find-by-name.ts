/** Which managed MLflow a name means. */
import { AppError } from '../shared/errors.ts';
import type { ControlPlane } from './control-plane.ts';
import type { ManagedMlflow } from './managed-mlflow.ts';

/**
 * The tracking server or App of that name, in the region of `plane`. Both are looked for: a name that both have means
 * neither. Where IAM lets one be looked for alone, that one is taken, and `onNotice` is told.
 *
 * Throws SAGEMAKER_NOT_FOUND, SETTINGS_INVALID for a name that several have, and SAGEMAKER_*.
 */
export async function findByName(
  plane: ControlPlane,
  wanted: { readonly name: string; readonly onNotice: (message: string) => void },
): Promise<ManagedMlflow> {
  const { name, onNotice } = wanted;
  const server = await look(() => plane.describe({ kind: 'tracking-server', name }));
  const apps = await look(async () => (await plane.listApps()).filter((app) => app.name === name));
  const arns = [
    ...(server.found === null ? [] : [server.found.arn]),
    ...(apps.found ?? []).map(({ arn }) => arn),
  ];
  const [arn] = arns;
  if (arns.length > 1) {
    throw new AppError('SETTINGS_INVALID', `Several have the name ${name}: ${arns.join(', ')}.`, {
      hint: 'Set MLFLOW_TRACKING_URI to the ARN of the one that is meant, and unset MLFLOW_TRACKING_SERVER_NAME.',
    });
  }
  if (arn === undefined) throw toMissing(name, [server.error, apps.error]);
  const unseen =
    server.error?.code === 'SAGEMAKER_NOT_FOUND' ? apps.error : (server.error ?? apps.error);
  if (unseen !== null) {
    onNotice(
      `${name} is taken for ${arn}; whether another MLflow has the same name could not be seen: ${unseen.message}`,
    );
  }
  return server.found ?? plane.describe({ kind: 'app', arn });
}

type Look<T> =
  | { readonly found: T; readonly error: null }
  | { readonly found: null; readonly error: AppError };

/** What one may not look for, or what a region does not have, is not found; an API that does not answer ends the search. */
async function look<T>(ask: () => Promise<T>): Promise<Look<T>> {
  try {
    return { found: await ask(), error: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const isNone = ['SAGEMAKER_NOT_FOUND', 'SAGEMAKER_DENIED', 'SAGEMAKER_UNEXPECTED'];
    if (!isNone.includes(error.code)) throw error;
    return { found: null, error };
  }
}

function toMissing(name: string, errors: readonly (AppError | null)[]): AppError {
  const hidden = errors.find((error) => error !== null && error.code !== 'SAGEMAKER_NOT_FOUND');
  // What could not be looked for may be what is meant.
  if (hidden) return hidden;
  const [first] = errors;
  const cause = first ?? undefined;
  return new AppError(
    'SAGEMAKER_NOT_FOUND',
    `There is neither a tracking server nor an App of the name ${name}${cause ? ` (${cause.message.replace(/\.$/, '')})` : ''}.`,
    { cause },
  );
}
