/**
 * `npm run audit`: asks the registry for known faults of what is installed for production. Ends with 1 where one is high
 * or critical, with 0 where none is, and, saying so, where the registry has no such service or can't be reached: a
 * mirror often lacks it.
 */
import { spawnSync } from 'node:child_process';
import { z } from 'zod';

const Counts = z.object({
  metadata: z.object({
    vulnerabilities: z.object({ high: z.number(), critical: z.number(), total: z.number() }),
  }),
});
const Refusal = z.object({ message: z.string() });

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  timeout: 120_000,
});
const answer = parse(stdout);
const counts = Counts.safeParse(answer);
if (counts.success) {
  const { high, critical, total } = counts.data.metadata.vulnerabilities;
  process.stdout.write(`${total} known faults, ${high} high, ${critical} critical.\n`);
  if (high + critical > 0) {
    process.stdout.write('`npm audit --omit=dev` tells of which packages.\n');
    process.exitCode = 1;
  }
} else {
  const refusal = Refusal.safeParse(answer);
  const why = (refusal.success ? refusal.data.message : stderr).trim().split('\n')[0] ?? '';
  process.stdout.write(
    `NOT AUDITED: the registry did not answer which packages have known faults (${why.slice(0, 300)}).\n`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
