/** Undefined where `text` is not JSON: a value that no JSON has, and that no schema of an answer takes. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
