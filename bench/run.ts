/**
 * `npm run bench -- [--rows 10000] [--rounds 5] [--latency 100] [--per-minute 100] [--text] [--mlflow] [--full] [--json FILE]`
 * Contenders take turns over the same sample server; a run whose sums differ from the others' ends the bench.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installMlflow } from '../test/support/mlflow-install.ts';
import { startMlflowServer, type MlflowServer } from '../test/support/mlflow-server.ts';
import { compile } from './compile.ts';
import { measureHelp } from './measure-help.ts';
import { renderConditions, renderRuns, renderTargets, type Conditions } from './render.ts';
import { runScene, type Scene } from './run-scene.ts';
import type { Measured } from './figures.ts';
import { aggregateOf, compareTargets, limitedWorker, workerOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    latency: { type: 'string', default: '100' },
    'per-minute': { type: 'string', default: '100' },
    concurrency: { type: 'string', default: '4' },
    text: { type: 'boolean', default: false },
    mlflow: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const conditions: Conditions = {
  rows: Number(values.rows),
  rounds: Number(values.rounds),
  latencyMs: Number(values.latency),
  requestsPerMinute: null,
  withText: values.text,
  concurrency: Number(values.concurrency),
};
const perMinute = Number(values['per-minute']);
const facts = values.full ? 1_000_000 : 100_000;
const larger = values.full ? [100_000, 1_000_000] : [];

const folder = mkdtempSync(join(tmpdir(), 'langfuse-mlflow-bench-'));
try {
  using compiled = compile();
  const install = values.mlflow ? await findMlflow() : null;
  await using server: MlflowServer | null =
    install === null ? null : await startMlflowServer({ version: 'newest', environment: install });
  const mlflow = install === null || server === null ? null : { install, url: server.url };
  const place = { compiled, folder, mlflow, facts };
  const runs = new Map<string, readonly Measured[]>();
  const keep = (name: string, measured: readonly Measured[]): void => void runs.set(name, measured);

  const rounds = await runScene({
    ...place,
    conditions,
    contenders: toContenders(mlflow !== null),
  });
  for (const [name, measured] of rounds.runs) keep(name, measured);
  for (const rows of larger) {
    const only = await runScene({ ...place, ...once({ rows, contenders: ['worker'] }) });
    keep(workerOf(rows), only.runs.get('worker') ?? []);
  }
  const parts = await runScene({ ...place, ...once({ contenders: ['local store', 'aggregate'] }) });
  keep('local store', parts.runs.get('local store') ?? []);
  keep(aggregateOf(facts), parts.runs.get('aggregate') ?? []);
  const limited = await runScene({ ...place, ...once({ perMinute, contenders: ['worker'] }) });
  keep(
    limitedWorker,
    (limited.runs.get('worker') ?? []).map((run) => ({
      ...run,
      notes: { ...run.notes, perMinute },
    })),
  );
  const helps: Measured[] = [];
  for (let round = 0; round < conditions.rounds; round += 1)
    helps.push(await measureHelp(compiled.cli));
  keep('--help', helps);

  const counted = { ...conditions, rows: rounds.rows };
  const targets = compareTargets(runs);
  process.stdout.write(
    `${[renderConditions(counted), renderRuns(runs), renderTargets(targets)].join('\n\n')}\n`,
  );
  if (values.json !== undefined) {
    const all = { conditions: counted, runs: Object.fromEntries(runs), targets };
    writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** One round over other traffic or another limit. */
function once(other: {
  readonly rows?: number;
  readonly perMinute?: number;
  readonly contenders: readonly string[];
}): Pick<Scene, 'conditions' | 'contenders'> {
  const { rows = conditions.rows, perMinute: requestsPerMinute = null, contenders } = other;
  return { conditions: { ...conditions, rows, requestsPerMinute, rounds: 1 }, contenders };
}

function toContenders(hasServer: boolean): string[] {
  const reading = [
    'wire',
    'worker',
    'parse and sum',
    'naive v2',
    'naive legacy',
    'script into SQLite',
  ];
  const whole = ['worker, whole', 'worker, again', 'unchanged windows, again'];
  return [...reading, ...whole, ...(hasServer ? ['worker, to a server', 'run per call'] : [])];
}

async function findMlflow(): Promise<string> {
  const install = await installMlflow('newest');
  if (install.folder === null) throw new Error(install.problem);
  return install.folder;
}
