/** Writes every variant as plain CloudFormation, into deploy/cloudformation or the folder that is named. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { nameVariant, variants } from '../lib/kinds.ts';
import { SyncStack } from '../lib/sync-stack.ts';

const folder = resolve(
  process.argv[2] ?? fileURLToPath(new URL('../../cloudformation', import.meta.url)),
);
const scratch = mkdtempSync(join(tmpdir(), 'cdk-out-'));
try {
  const app = new App({ outdir: scratch, analyticsReporting: false });
  for (const variant of variants) new SyncStack(app, nameVariant(variant), variant);
  const assembly = app.synth();
  mkdirSync(folder, { recursive: true });
  for (const { stackName, template } of assembly.stacks) {
    writeFileSync(join(folder, `${stackName}.json`), `${JSON.stringify(template, null, 2)}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
