import { AppError } from '../shared/errors.ts';

/** The AppError CANCELLED of an aborted signal, or null while nobody has asked to stop. */
export function toStopped(signal: AbortSignal): AppError | null {
  if (!signal.aborted) return null;
  const reason: unknown = signal.reason;
  return reason instanceof AppError ? reason : new AppError('CANCELLED', 'Stopped.');
}
