/**
 * `npm run sbom`: every production dependency in CycloneDX, by `npm sbom`. Not by its `--omit dev`, which leaves out what
 * a development dependency needs as well: `zod` and `yaml` are such.
 */
import { execFileSync } from 'node:child_process';
import { z } from 'zod';

const Component = z.looseObject({
  'bom-ref': z.string(),
  properties: z.array(z.looseObject({ name: z.string(), value: z.string() })).optional(),
});
const Bom = z.looseObject({
  components: z.array(Component),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

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
    .filter((one) =>
      one.properties?.some(
        ({ name, value }) => name === 'cdx:npm:package:development' && value === 'true',
      ),
    )
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
