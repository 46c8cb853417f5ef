import type { CommandName } from './command-names.ts';
import type { InstantMs } from '../shared/time.ts';

interface SettingBase {
  /** Names in the environment; the first that is set and not empty wins. */
  readonly env: readonly [string, ...string[]];
  /** True where `NAME_FILE` may name a file that holds the value. */
  readonly fromFile?: boolean;
  /** Commands that take it as a flag. */
  readonly commands: readonly CommandName[];
  /** Commands that cannot run without it. */
  readonly requiredBy?: readonly CommandName[];
  readonly description: string;
  /** What is allowed, in a few words, for the reference. */
  readonly allows: string;
  readonly example: string;
}

interface Flagged {
  /** `--langfuse-base-url` */
  readonly flag: `--${string}`;
  /** What the flag takes, e.g. `URL`; null for a switch, which also has a `--no-…` form. */
  readonly placeholder: string | null;
}

/** A setting that may be logged. */
export interface PlainSetting<T> extends SettingBase, Flagged {
  readonly isSecret: false;
  /** True where spaces around the value are part of it (and are refused), instead of being dropped. */
  readonly isExact?: boolean;
  /** True where the value is a path that must be readable when settings are parsed. */
  readonly isReadableFile?: boolean;
  /** The default as a person would write it; null where there is none and the value is then null. */
  readonly default: string | null;
  readonly parse: (text: string, now: InstantMs) => T;
}

/** A setting that is never logged nor taken as a flag: flags are seen by every user of a machine. */
export interface SecretSetting extends SettingBase {
  readonly isSecret: true;
  /** The flag that names a file holding the secret. */
  readonly fileFlag: `--${string}-file`;
  readonly parse: (text: string) => string;
}

export type AnySetting = PlainSetting<unknown> | SecretSetting;

type PlainFields<T> = Omit<PlainSetting<T>, 'isSecret' | 'default'>;

/** A setting that always has a value. */
export function withDefault<T>(
  fields: PlainFields<T> & { readonly default: string },
): PlainSetting<T> {
  return { ...fields, isSecret: false };
}

/** A setting that is null when it is not set. */
export function optional<T>(fields: PlainFields<T>): PlainSetting<T | null> {
  return { ...fields, isSecret: false, default: null };
}

/** A key, a password or a token; null when it is not set. Also read from `NAME_FILE`. */
export function secret(fields: Omit<SecretSetting, 'isSecret' | 'fromFile'>): SecretSetting {
  return { ...fields, isSecret: true, fromFile: true };
}

/** `--langfuse-base-url` to `langfuseBaseUrl`, the name commander gives it. */
export function toFlagKey(flag: `--${string}`): string {
  return flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
