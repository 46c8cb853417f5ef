import { AppError, toAppError } from '../shared/errors.ts';
import { maskSecrets, showFound } from './mask.ts';

/**
 * Parses one option of a command that is no setting (`--from`, `--to`).
 *
 * Throws AppError USAGE that names the option, what was found and what is allowed.
 */
export function parseOption<T>({
  option,
  text,
  parse,
}: {
  option: string;
  text: string;
  parse: (text: string) => T;
}): T {
  try {
    return parse(text);
  } catch (error) {
    const found = showFound(text, { isSecret: false });
    const line = `${option}: found ${found}, which ${toAppError(error).message}.`;
    throw new AppError('USAGE', maskSecrets(line, []), { cause: error });
  }
}
