import { refusal } from './refusal.ts';

/** Parses the secret that names are hashed with. Throws AppError SETTINGS_INVALID without repeating it. */
export function parseHashKey(text: string): string {
  const key = text.trim();
  if (key.length < 16)
    throw refusal('must have at least 16 characters; a shorter one can be guessed');
  return key;
}
