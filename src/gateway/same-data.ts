/** Two values parsed from YAML hold the same data; the order of keys does not count, that of lists does. */
export function isSameData(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((value, index) => isSameData(value, other[index]));
  }
  if (isPlain(one) && isPlain(other)) {
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    return keys.every((key) => Object.hasOwn(other, key) && isSameData(one[key], other[key]));
  }
  // Dates, bytes and sets of YAML 1.1.
  if (typeof one === 'object' && typeof other === 'object') return toText(one) === toText(other);
  return Object.is(one, other);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

function toText(value: object | null): string {
  if (value instanceof Set || value instanceof Map) return JSON.stringify([...value]);
  return JSON.stringify(value);
}
