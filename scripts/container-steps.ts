/**
 * What scripts/prove-container.sh runs: the steps of the Dockerfile, and the command and health check of the service
 * `schedule` of deploy/compose, one step a line, words parted by tabs.
 *
 *   tsx scripts/container-steps.ts
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { findIgnoredSources, parseDockerfile } from './parse-dockerfile.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

interface Compose {
  readonly services: {
    readonly schedule: {
      readonly command: readonly string[];
      readonly healthcheck: { readonly test: readonly string[] };
    };
  };
}

const stages = parseDockerfile(read('Dockerfile'));
const ignored = findIgnoredSources(stages, read('.dockerignore'));
if (ignored.length > 0)
  throw new Error(`.dockerignore leaves out what is copied: ${ignored.join(', ')}`);
const { schedule } = (parse(read('deploy/compose/compose.yaml'), { merge: true }) as Compose)
  .services;
const [kind, ...check] = schedule.healthcheck.test;
if (kind !== 'CMD') throw new Error(`a health check of the kind ${kind} is not known here`);

const lines = [
  ...stages.flatMap(({ image, name, steps, entrypoint, cmd }) => [
    ['FROM', image, name ?? 'final'],
    ...steps.map(({ instruction, from, words }) =>
      instruction === 'COPY' ? [instruction, from ?? '.', ...words] : [instruction, ...words],
    ),
    ...(entrypoint.length > 0 ? [['ENTRYPOINT', ...entrypoint]] : []),
    ...(cmd.length > 0 ? [['CMD', ...cmd]] : []),
  ]),
  ['SCHEDULE', ...schedule.command],
  ['HEALTHCHECK', ...check],
];
if (lines.flat().some((word) => /[\t\n]/.test(word) || word === ''))
  throw new Error('a tab, a line break or an empty word');
process.stdout.write(lines.map((words) => `${words.join('\t')}\n`).join(''));
