/** One contender in a process of its own: does its task and writes its outcome as one line of JSON. */
import type { Aggregates, Outcome, Task } from './figures.ts';
import { readNaiveLegacy, readNaiveV2 } from './read-naively.ts';
import { readPlainly } from './read-plainly.ts';
import { aggregateFacts, skipUnchanged, writeLocally } from './measure-parts.ts';
import { readAsWorker, syncAsWorker, type Worked } from './work-as-worker.ts';

const works: Readonly<Record<string, (task: Task) => Promise<Worked>>> = {
  wire: async (task) => sum(await readPlainly(task, { parses: false })),
  'parse and sum': async (task) => sum(await readPlainly(task, { parses: true })),
  'naive v2': async (task) => sum(await readNaiveV2(task)),
  'naive legacy': async (task) => sum(await readNaiveLegacy(task)),
  worker: readAsWorker,
  'worker, whole': syncAsWorker,
  'worker, again': syncAsWorker,
  'worker, to a server': syncAsWorker,
  'unchanged windows, again': skipUnchanged,
  'local store': writeLocally,
  aggregate: aggregateFacts,
};

function sum(aggregates: Aggregates | null): Worked {
  return { aggregates, notes: {} };
}

const task = JSON.parse(process.argv[2] ?? '{}') as Task;
const work = works[task.contender];
if (work === undefined) throw new Error(`no such contender: ${task.contender}`);
const before = process.cpuUsage();
const beginMs = performance.now();
const done = await work(task);
const wallMs = performance.now() - beginMs;
const cpu = process.cpuUsage(before);
const outcome: Outcome = {
  ...done,
  wallMs,
  cpuMs: (cpu.user + cpu.system) / 1000,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(outcome)}\n`);
