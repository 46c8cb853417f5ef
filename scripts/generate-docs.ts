/** Rewrites every generated page; `npm run generate`. A test fails where one was not rewritten. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generatedPages } from './generated-pages.ts';

const root = new URL('../', import.meta.url);
for (const [path, render] of Object.entries(generatedPages)) {
  writeFileSync(fileURLToPath(new URL(path, root)), render());
  process.stdout.write(`${path}\n`);
}
