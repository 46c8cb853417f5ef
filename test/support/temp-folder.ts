import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one test; gone when it is disposed. */
export function openTempFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'langfuse-mlflow-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
