import type { AnySetting } from './setting.ts';
import { settingsTable } from './settings-table.ts';

export interface SettingEntry {
  readonly group: string;
  readonly key: string;
  readonly setting: AnySetting;
}

/** Every setting of the table in its order, with the group and key that its value is found under. */
export function listSettings(): readonly SettingEntry[] {
  return Object.entries(settingsTable).flatMap(([group, settings]) =>
    Object.entries(settings).map(([key, setting]: [string, AnySetting]) => ({
      group,
      key,
      setting,
    })),
  );
}
