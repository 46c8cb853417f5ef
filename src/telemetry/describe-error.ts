import { AppError } from '../shared/errors.ts';

interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

/**
 * An error as plain fields for the log. Only known fields are taken: errors of HTTP clients carry whole
 * requests, authorization header included, in their own properties.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const cause =
    error.cause === undefined || depth >= 5 ? {} : { cause: describeError(error.cause, depth + 1) };
  if (error instanceof AppError) {
    const { code, message, hint, details } = error;
    // The stack of an expected failure tells nothing that its code does not.
    const stack = code === 'INTERNAL' && error.stack ? { stack: error.stack } : {};
    return { type: error.name, code, message, hint, details, ...stack, ...cause };
  }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  return { type: error.name, message: error.message, ...code, ...stack, ...cause };
}
