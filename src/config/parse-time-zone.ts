import { refusal } from './refusal.ts';

/** Parses the IANA name of a time zone, such as `Europe/Berlin`. Throws AppError SETTINGS_INVALID with the reason alone. */
export function parseTimeZone(text: string): string {
  // Runtimes differ on offsets such as +02:00, which know no summer time either.
  if (!/^[A-Za-z]/.test(text)) throw refusal('must be the name of a time zone, not an offset');
  try {
    new Intl.DateTimeFormat('en', { timeZone: text }).format(0);
    return text;
  } catch {
    throw refusal('is no time zone that this machine knows');
  }
}
