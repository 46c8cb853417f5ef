/**
 * `npm run bench -- [--rows 10000] [--rounds 5] [--latency 100] [--per-minute N] [--text] [--mlflow] [--json FILE]`
 * Contenders take turns over the same sample server; a run whose sums differ from the others' ends the bench.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { installMlflow, mlflowProgram } from '../test/support/mlflow-install.ts';
import { startMlflowServer, type MlflowServer } from '../test/support/mlflow-server.ts';
import { sampleDays } from '../src/demo/traffic.ts';
import type { Aggregates, Measured, Task } from './figures.ts';
import { renderConditions, renderRuns, renderTargets, type Conditions } from './render.ts';
import {
  nodeContender,
  pythonContender,
  runContender,
  startSample,
  type Command,
} from './run-contender.ts';
import { compareTargets } from './targets.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    latency: { type: 'string', default: '100' },
    'per-minute': { type: 'string' },
    concurrency: { type: 'string', default: '4' },
    text: { type: 'boolean', default: false },
    mlflow: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const perMinute = values['per-minute'];
const conditions: Conditions = {
  rows: Number(values.rows),
  rounds: Number(values.rounds),
  latencyMs: Number(values.latency),
  requestsPerMinute: perMinute === undefined ? null : Number(perMinute),
  withText: values.text,
  concurrency: Number(values.concurrency),
};
/** A run for each of more calls would take minutes, and the rate is the same. */
const runsPerCall = 100;

const folder = mkdtempSync(join(tmpdir(), 'langfuse-mlflow-bench-'));
try {
  using sample = await startSample(conditions);
  const environment = values.mlflow ? await findMlflow() : null;
  await using mlflow: MlflowServer | null =
    environment === null ? null : await startMlflowServer({ version: 'newest', environment });
  const runs = new Map<string, Measured[]>();
  let agreed: Aggregates | null = null;
  for (let round = 1; round <= conditions.rounds; round += 1) {
    for (const contender of toContenders(mlflow)) {
      const place = contender === 'worker, again' ? 'worker, whole' : contender;
      const task: Task = {
        ...conditions,
        ...sample.task,
        contender,
        days: sampleDays,
        runs: runsPerCall,
        folder: join(folder, `${round} ${place}`),
        mlflowUrl:
          contender.includes('server') || contender.includes('run per')
            ? (mlflow?.url ?? null)
            : null,
      };
      const measured = await runContender(sample, task, toCommand(contender, environment));
      const { aggregates } = measured;
      agreed ??= aggregates;
      if (aggregates !== null && !isDeepStrictEqual(aggregates, agreed)) {
        throw new Error(
          `${contender} counted ${JSON.stringify(aggregates)}, those before ${JSON.stringify(agreed)}: their times can't be compared`,
        );
      }
      runs.set(contender, [...(runs.get(contender) ?? []), measured]);
      process.stderr.write(
        `${round}/${conditions.rounds} ${contender}: ${Math.round(measured.wallMs)} ms\n`,
      );
    }
  }
  const counted = { ...conditions, rows: sample.rows };
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

function toContenders(server: MlflowServer | null): string[] {
  const reading = [
    'wire',
    'worker',
    'parse and sum',
    'naive v2',
    'naive legacy',
    'script into SQLite',
  ];
  const whole = ['worker, whole', 'worker, again'];
  return [
    ...reading,
    ...whole,
    ...(server === null ? [] : ['worker, to a server', 'run per call']),
  ];
}

function toCommand(contender: string, environment: string | null): Command {
  if (contender === 'script into SQLite') return pythonContender('load_sqlite.py');
  if (contender !== 'run per call' || environment === null) return nodeContender;
  return pythonContender('log_runs.py', mlflowProgram(environment, 'python'));
}

async function findMlflow(): Promise<string> {
  const install = await installMlflow('newest');
  if (install.folder === null) throw new Error(install.problem);
  return install.folder;
}
