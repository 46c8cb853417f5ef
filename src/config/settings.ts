import type { Measures } from '../shared/measures.ts';
import type { PlainSetting, SecretSetting } from './setting.ts';
import type { settingsTable } from './settings-table.ts';

type Table = typeof settingsTable;

type PlainValues<Group> = {
  readonly [
    Key in keyof Group as Group[Key] extends SecretSetting ? never : Key
  ]: Group[Key] extends PlainSetting<infer Value> ? Value : never;
};

type SecretKeysOf<Group> = {
  [Key in keyof Group]: Group[Key] extends SecretSetting ? Key : never;
}[keyof Group];

/** Everything a person may set, parsed. It holds no secret: log it as it is. */
export type Settings = { readonly [Group in keyof Table]: PlainValues<Table[Group]> } & {
  /** What the settings file says (SYNC_SETTINGS_FILE). */
  readonly measures: Measures;
};

export type SecretName = { [Group in keyof Table]: SecretKeysOf<Table[Group]> }[keyof Table];

/** Keys, passwords and tokens, apart from {@link Settings} so that they cannot be logged with them. */
export type Secrets = { readonly [Name in SecretName]: string | null };
