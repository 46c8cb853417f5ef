/** The file behind a `sqlite:///` tracking URI. */
import { resolve } from 'node:path';
import { AppError } from '../shared/errors.ts';

/**
 * The absolute path of a SQLite store, by SQLAlchemy's rule: three slashes and a path from here, four and
 * an absolute one. Throws SETTINGS_INVALID when no file is meant.
 */
export function parseSqliteUri(trackingUri: string): string {
  const path = /^sqlite:\/\/\/(.*)$/s.exec(trackingUri.trim())?.[1];
  if (
    path === undefined ||
    path === '' ||
    path.endsWith('/') ||
    path.startsWith(':memory:') ||
    path.includes('\0')
  ) {
    throw new AppError(
      'SETTINGS_INVALID',
      'MLFLOW_TRACKING_URI with sqlite: must name a file, as in sqlite:///mlflow.db (in this folder) or sqlite:////var/lib/mlflow.db (absolute).',
    );
  }
  if (path.includes('?')) {
    throw new AppError(
      'SETTINGS_INVALID',
      'MLFLOW_TRACKING_URI with sqlite: takes a file alone, without ? and options.',
    );
  }
  return resolve(path);
}
