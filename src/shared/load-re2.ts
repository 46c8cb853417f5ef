import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

/** RE2's patterns, loaded where a team has patterns of its own: most commands never need them. */
export function loadRe2(): typeof RE2JS {
  return (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}
