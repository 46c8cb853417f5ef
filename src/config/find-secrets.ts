import { listSettings } from './list-settings.ts';

/** The values of every secret setting that is in the environment itself, well-formed or not. */
export function findSecrets(env: Readonly<Record<string, string | undefined>>): string[] {
  return listSettings().flatMap(({ setting }) =>
    setting.isSecret ? setting.env.flatMap((name) => env[name]?.trim() || []) : [],
  );
}
