/**
 * `npm run sbom`: every production dependency in CycloneDX, by `npm sbom`, and which those are by the lock file. Not by
 * its `--omit dev`, which leaves out what a development dependency needs as well: `zod` and `yaml` are such.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Bom = z.looseObject({
  components: z.array(
    z.looseObject({ 'bom-ref': z.string(), name: z.string(), version: z.string() }),
  ),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});
const Lock = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
    }),
  ),
});

const { packages } = Lock.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
const installed = new Set(
  Object.entries(packages)
    .filter(([, entry]) => entry.dev !== true && entry.devOptional !== true)
    .map(([path, entry]) => `${path.replace(/^.*node_modules\//, '')}@${entry.version}`),
);
const all = Bom.parse(
  JSON.parse(
    execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
      encoding: 'utf8',
      maxBuffer: 100_000_000,
    }),
  ),
);
const dropped = new Set(
  all.components
    .filter(({ name, version }) => !installed.has(`${name}@${version}`))
    .map((one) => one['bom-ref']),
);
const bom = {
  ...all,
  components: all.components.filter((one) => !dropped.has(one['bom-ref'])),
  dependencies: all.dependencies
    .filter(({ ref }) => !dropped.has(ref))
    .map((one) => ({ ...one, dependsOn: one.dependsOn.filter((ref) => !dropped.has(ref)) })),
};
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
