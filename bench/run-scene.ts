/** Contenders that take turns over one sample server. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sampleDays } from '../src/demo/traffic.ts';
import { mlflowProgram } from '../test/support/mlflow-install.ts';
import type { Compiled } from './compile.ts';
import type { Aggregates, Measured, Task } from './figures.ts';
import type { Conditions } from './render.ts';
import {
  nodeContender,
  pythonContender,
  runContender,
  startSample,
  type Command,
} from './run-contender.ts';

export interface Scene {
  readonly compiled: Compiled;
  readonly conditions: Conditions;
  readonly contenders: readonly string[];
  readonly folder: string;
  /** A server to publish to, and the folder that it is installed in. */
  readonly mlflow: { readonly install: string; readonly url: string } | null;
  readonly facts: number;
}

/** A run for each of more calls would take minutes, and the rate is the same. */
const runsPerCall = 100;

/** Throws where a contender counted other than those before it: then times can't be compared. */
export async function runScene(
  scene: Scene,
): Promise<{ readonly rows: number; readonly runs: ReadonlyMap<string, readonly Measured[]> }> {
  const { conditions, contenders } = scene;
  using sample = await startSample(scene.compiled.bench('sample-process'), conditions);
  const runs = new Map<string, Measured[]>();
  let agreed: Aggregates | null = null;
  for (let round = 1; round <= conditions.rounds; round += 1) {
    for (const contender of contenders) {
      const task: Task = {
        ...conditions,
        ...sample.task,
        contender,
        days: sampleDays,
        facts: scene.facts,
        runs: runsPerCall,
        folder: join(scene.folder, `${round} ${toPlace(contender)}`),
        mlflowUrl: usesServer(contender) ? (scene.mlflow?.url ?? null) : null,
      };
      const measured = await runContender(sample, task, toCommand(scene, contender));
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
  return { rows: sample.rows, runs };
}

/** What goes on works in the folder of the whole run before it. */
function toPlace(contender: string): string {
  return contender.endsWith('again') ? 'worker, whole' : contender;
}

function usesServer(contender: string): boolean {
  return contender.includes('server') || contender.includes('run per');
}

function toCommand({ compiled, mlflow }: Scene, contender: string): Command {
  if (contender === 'script into SQLite') return pythonContender('load_sqlite.py');
  if (contender !== 'run per call' || mlflow === null)
    return nodeContender(compiled.bench('contender'));
  return pythonContender('log_runs.py', mlflowProgram(mlflow.install, 'python'));
}
