/** Compiles what is measured, as a release is: a loader that compiles while modules load would be in the figures. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const cache = join(root, '.cache');

export interface Compiled extends Disposable {
  /** Path of a module of this folder, by its name without ending. */
  bench(name: string): string;
  readonly cli: string;
}

/** A folder inside the checkout, so that packages are found; gone when disposed. */
export function compile(): Compiled {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'bench-'));
  const config = join(root, 'bench', 'tsconfig.json');
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', config, '--outDir', folder]);
  for (const name of ['migrations', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  return {
    bench: (name) => join(folder, 'bench', `${name}.js`),
    cli: join(folder, 'src', 'cli.js'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
