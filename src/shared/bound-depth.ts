/** JSON of any depth can be parsed; whatever walks through it call by call would end with a full stack. */

export const deepestLevel = 200;
export const tooDeepMark = `[nested more than ${deepestLevel} levels deep]`;

/**
 * The value as it was parsed, in place, but for what lies deeper than 200 levels, where a mark stands. A row of
 * Langfuse has its numbers at the third level; a schema of a tool may have a dozen.
 */
export function boundDepth(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  let level: Record<string, unknown>[] = [value as Record<string, unknown>];
  for (let depth = 1; level.length > 0; depth += 1) {
    const next: Record<string, unknown>[] = [];
    for (const container of level) {
      for (const key of Object.keys(container)) {
        const inner = container[key];
        if (typeof inner !== 'object' || inner === null) continue;
        if (depth === deepestLevel) setOwn(container, key, tooDeepMark);
        else next.push(inner as Record<string, unknown>);
      }
    }
    level = next;
  }
  return value;
}

/** Also where the key is `__proto__`, which JSON makes a field like any other. */
function setOwn(container: object, key: string, value: unknown): void {
  Object.defineProperty(container, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
