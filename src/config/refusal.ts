import { AppError } from '../shared/errors.ts';

/**
 * Why a value is refused, as the second half of a sentence: "must be a duration such as 30m".
 *
 * The reason never repeats a secret. Who asked for the value puts its name and what was found in front
 * (see parse-settings.ts; of an option, its command).
 */
export function refusal(reason: string): AppError {
  return new AppError('SETTINGS_INVALID', reason);
}
