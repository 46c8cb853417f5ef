import { nameSetting, toSettingsError } from './problem.ts';
import type { ParsedSettings } from './parse-settings.ts';
import { langfuseSettings } from './langfuse-settings.ts';

/**
 * The key pair of a command that reads Langfuse.
 *
 * Throws AppError SETTINGS_INVALID where one is missing, which parseSettings already refuses for the
 * commands that need it.
 */
export function requireLangfuseKeys({ settings, secrets }: ParsedSettings): {
  readonly publicKey: string;
  readonly secretKey: string;
} {
  const { publicKey } = settings.langfuse;
  const secretKey = secrets.langfuseSecretKey;
  if (publicKey !== null && secretKey !== null) return { publicKey, secretKey };
  const missing =
    publicKey === null ? langfuseSettings.publicKey : langfuseSettings.langfuseSecretKey;
  throw toSettingsError([
    {
      setting: missing.env[0],
      line: `${nameSetting(missing)}: not set, and Langfuse is read with it.`,
    },
  ]);
}
