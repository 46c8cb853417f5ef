import type { AnySetting } from './setting.ts';
import { settingsTable } from './settings-table.ts';

export interface SettingEntry {
  readonly group: keyof typeof settingsTable;
  readonly key: string;
  readonly setting: AnySetting;
}

/** Every setting of the table in its order, with the group and key that its value is found under. */
export function listSettings(): readonly SettingEntry[] {
  const groups = Object.keys(settingsTable) as (keyof typeof settingsTable)[];
  return groups.flatMap((group) =>
    Object.entries(settingsTable[group]).map(([key, setting]: [string, AnySetting]) => ({
      group,
      key,
      setting,
    })),
  );
}
