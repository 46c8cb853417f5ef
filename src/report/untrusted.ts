/** Looking into values of unknown shape. */

export type UnknownRecord = Readonly<Record<string, unknown>>;

/** True for a plain object, false for a list. */
export function isRecord(value: unknown): value is UnknownRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of `keys` that is an own property of `record` and neither null nor undefined. */
export function pick(record: UnknownRecord, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = Object.hasOwn(record, key) ? record[key] : undefined;
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** {@link pick} where it is a string that is not empty, else null. */
export function pickText(record: UnknownRecord, ...keys: readonly string[]): string | null {
  const value = pick(record, ...keys);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The value of a text that is a JSON object or list and survives it, else the text itself. */
export function toDecoded(value: unknown): unknown {
  // A number of 16 digits or more would come out as another number.
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value) || /\d{16}/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Arguments that a model wrote badly, or Python's str() of a dict: shown as they are.
    return value;
  }
}
