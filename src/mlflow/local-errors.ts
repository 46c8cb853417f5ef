/** Faults of SQLite and of the file system around an MLflow store, translated once. */
import { AppError, type ErrorCode } from '../shared/errors.ts';

/** True while another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  const code = toSystemCode(error);
  return code !== null && /^SQLITE_(?:BUSY|LOCKED)/.test(code);
}

/** `error` as an AppError about the store at `path`. */
export function toStoreError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  const code = toSystemCode(error);
  const message = error instanceof Error ? error.message : String(error);
  const fault = (errorCode: ErrorCode, text: string): AppError =>
    new AppError(errorCode, text, { cause: error, details: { path, cause: code } });
  if (isBusy(error))
    return fault('MLFLOW_STORE_BUSY', `${path} is locked by another program (${message}).`);
  if (code === null) return fault('INTERNAL', `Writing ${path} failed: ${message}.`);
  if (/^SQLITE_(?:CORRUPT|NOTADB|FORMAT)/.test(code)) {
    return fault('MLFLOW_STORE_UNKNOWN', `${path} is not a sound SQLite database (${message}).`);
  }
  if (
    /^(?:SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|PERM)|ENOSPC|EDQUOT|EROFS|EACCES|EPERM|ENOTDIR|EEXIST|EISDIR|EIO|EMFILE)/.test(
      code,
    )
  ) {
    return fault('MLFLOW_STORE_DISK', `${path} can't be written (${message}).`);
  }
  if (code.startsWith('SQLITE_CONSTRAINT')) {
    return fault('MLFLOW_REJECTED', `${path} refused a row (${message}).`);
  }
  return fault('INTERNAL', `Writing ${path} failed: ${message}.`);
}

/** The code of an error of SQLite or the system, or null. */
export function toSystemCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
