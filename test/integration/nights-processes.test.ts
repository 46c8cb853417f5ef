/**
 * Nights of the three uses with real processes: the crontab's line, a backfill, and the CronJob's pod as it is
 * rendered. A missed start, an overlap, a kill by deadline and a drained node: the next one that ends well leaves what
 * one undisturbed sync leaves. Then the Indexed Job of the sharded backfill, with a pod that is killed, and its merge.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dayName, days, openWorkplace, type Workplace } from '../cli/workplace.ts';
import { letLeaseRunOut } from '../support/crash-kill.ts';
import {
  decideFailure,
  jobsOf,
  openKubernetesTools,
  plainJobsOf,
  type JobSpec,
  type KubernetesObject,
  type KubernetesTools,
} from '../support/kubernetes.ts';
import { readLocalRuns } from '../support/local-runs.ts';
import { startByCommand, startByCron, startPod, type Night } from '../support/nights-uses.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { openTempFolder } from '../support/temp-folder.ts';

let source: Workplace;
let expected: unknown;
let tools: KubernetesTools | null = null;
let problem = '';
let objects: KubernetesObject[] = [];
let job: JobSpec | undefined;
let folder: ReturnType<typeof openTempFolder>;

beforeAll(async () => {
  source = await openWorkplace();
  const undisturbed = await source.run(['sync']);
  if (undisturbed.code !== 0) throw new Error(`it ended with ${undisturbed.code}`);
  expected = readResult(source.path);
  if (readLocalRuns(source.path).length < days * 3) throw new Error('a night with hardly a run');
  try {
    tools = await openKubernetesTools();
    objects = await tools.kustomize('pvc');
    job = jobsOf(objects)['langfuse-mlflow-sync'];
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    problem = String(error);
  }
});
afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  folder = openTempFolder();
  source.server.clearRequests();
});
afterEach(() => {
  source.server.setFaults([]);
  folder[Symbol.dispose]();
});

/** Every run with its content's hash, metrics and parent; how often one was corrected is its own story. */
function readResult(path: string): unknown {
  return toComparableRuns(readLocalRuns(path), { isSameServer: true }).map((run) => ({
    ...run,
    tags: { ...run.tags, 'langfuse_mlflow.revision': '' },
  }));
}

const toDays = (count: number): readonly string[] => [
  'backfill',
  '--from',
  dayName(0),
  '--to',
  dayName(count),
];

interface Use {
  readonly name: string;
  readonly isPod: boolean;
  /** `toDay`: how many of the days have settled in its night; all of them unless given. */
  readonly start: (toDay?: number) => Night;
}

/** A longer settle is an earlier night. */
const placeOf = (toDay = days) => {
  const settle = Number.parseInt(source.env['SYNC_SETTLE'] ?? '', 10);
  const env = { ...source.env, SYNC_SETTLE: `${settle + (days - toDay) * 24 * 60}m` };
  return { path: folder.path, env };
};

const uses: readonly Use[] = [
  { name: 'cron', isPod: false, start: (toDay) => startByCron(placeOf(toDay)) },
  {
    name: 'backfill',
    isPod: false,
    start: (toDay = days) => startByCommand(placeOf(), toDays(toDay)),
  },
  {
    name: 'the CronJob',
    isPod: true,
    start: (toDay) => {
      if (job === undefined) throw new Error('no CronJob langfuse-mlflow-sync');
      return startPod(placeOf(toDay), { spec: job.template.spec, objects });
    },
  },
];

async function endsWith(night: Night, code: number): Promise<string> {
  const ended = await night.ended;
  if (ended.code !== code) throw new Error(`it ended with ${ended.code}: ${ended.said}`);
  return ended.said;
}

/**
 * Starts one and waits until its first day is published, and its second is asked for and not answered: asked again
 * after its timeout, it is.
 */
async function startAndWait(use: Use): Promise<{ readonly night: Night; readonly pid: number }> {
  const isSecondDay = ({ query }: { readonly query: URLSearchParams }): boolean =>
    (query.get('fromStartTime') ?? '').startsWith(dayName(1));
  const path = '/api/public/v2/observations';
  source.server.setFaults([{ kind: 'delay', delayMs: 60_000, path, when: isSecondDay }]);
  const night = use.start();
  const pid = await night.pid();
  let isOver = false;
  void night.ended.then(() => (isOver = true));
  while (!source.server.requests.some(isSecondDay) || countPublished() === 0) {
    if (isOver) throw new Error(`it ended: ${(await night.ended).said}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  source.server.setFaults([]);
  return { night, pid };
}

/** Windows that are published, by the state file. */
function countPublished(): number {
  const file = join(folder.path, 'langfuse-mlflow.db');
  if (!existsSync(file)) return 0;
  const db = new Database(file, { readonly: true });
  try {
    // It may be about to be made.
    const isThere = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'publications'").get();
    if (isThere === undefined) return 0;
    return db.prepare('SELECT count(*) FROM publications').pluck().get() as number;
  } finally {
    db.close();
  }
}

function expectAllThere(): void {
  expect(readResult(folder.path)).toEqual(expected);
}

describe.each(uses)('$name', (use) => {
  beforeEach((context) => {
    if (use.isPod && problem !== '') context.skip(problem);
  });

  test('a missed start: the next night brings both', async () => {
    await endsWith(use.start(1), 0);
    expect(countPublished()).toBe(1);
    // The night of the second day does not come.
    await endsWith(use.start(), 0);
    expect(countPublished()).toBe(days);
    expectAllThere();
  });

  test('an overlap: the second ends with 75, the first well, and so does the second when it is tried again', async () => {
    const { night, pid } = await startAndWait(use);
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await endsWith(use.start(), 75)).toContain('Another worker');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await endsWith(night, 0);
    await endsWith(use.start(), 0);
    expectAllThere();
  });

  test('hung, and killed by its deadline: the next night makes all equal', async () => {
    const { night, pid } = await startAndWait(use);
    process.kill(pid, 'SIGSTOP');
    process.kill(pid, 'SIGTERM');
    process.kill(pid, 'SIGKILL');
    await endsWith(night, 137);
    expect(countPublished()).toBe(1);
    await endsWith(use.start(), 0);
    expectAllThere();
  });

  test('told to stop, as by a drained node: it ends with 143, and the next one goes on at once', async () => {
    const { night, pid } = await startAndWait(use);
    process.kill(pid, 'SIGTERM');
    await endsWith(night, 143);
    expect(countPublished()).toBe(1);
    if (use.isPod) moveLeaseToAnotherPod();
    await endsWith(use.start(), 0);
    expectAllThere();
  });
});

describe("the CronJob's next pod", () => {
  beforeEach((context) => {
    if (problem !== '') context.skip(problem);
  });

  test('after one that was killed is told by 75 to come again, until the lease has run out', async () => {
    const [, , use] = uses;
    if (use === undefined) throw new Error('no CronJob');
    const { night, pid } = await startAndWait(use);
    process.kill(pid, 'SIGKILL');
    await endsWith(night, 137);
    moveLeaseToAnotherPod();
    expect(await endsWith(use.start(), 75)).toContain('lease runs until');
    letLeaseRunOut(join(folder.path, 'langfuse-mlflow.db'));
    await endsWith(use.start(), 0);
    expectAllThere();
  });

  test.each([
    [75, [], 'Count'],
    [137, [], 'Count'],
    [143, ['DisruptionTarget'], 'Ignore'],
  ] as const)('comes after %d, %j: %s', (exitCode, conditions, action) => {
    const rules = job?.podFailurePolicy.rules ?? [];
    expect(decideFailure(rules, { exitCode, conditions })).toBe(action);
  });
});

/** Another pod cannot look whether the process of the lease is still there. */
function moveLeaseToAnotherPod(): void {
  const db = new Database(join(folder.path, 'langfuse-mlflow.db'));
  try {
    const { changes } = db.prepare("UPDATE lease SET namespaces = 'pid:[1] time:[1]'").run();
    if (changes !== 1) throw new Error(`${changes} leases`);
  } finally {
    db.close();
  }
}

test('the Indexed Job: a killed pod is replaced, and its merge leaves what one sync leaves', async (context) => {
  if (tools === null) return context.skip(problem);
  const values = `backfill.enabled=true,backfill.from=${dayName(0)},backfill.to=${dayName(days)},backfill.shards=${days}`;
  const rendered = await tools.helm(['--set', values]);
  const jobs = plainJobsOf(rendered);
  const startOf = (name: string, index?: number): Night => {
    const spec = jobs[`langfuse-mlflow-${name}`]?.template.spec;
    if (spec === undefined) throw new Error(`no Job ${name}`);
    return startPod(placeOf(), {
      spec,
      objects: rendered,
      ...(index === undefined ? {} : { index }),
    });
  };
  const completions = jobs['langfuse-mlflow-backfill']?.completions ?? 0;
  expect(completions).toBe(days);
  const pods = Array.from({ length: completions }, (_, index) => startOf('backfill', index));
  const [first, ...others] = pods;
  process.kill((await first?.pid()) ?? 0, 'SIGKILL');
  await endsWith(first ?? startOf('backfill', 0), 137);
  for (const pod of others) await endsWith(pod, 0);
  await endsWith(startOf('backfill', 0), 0);
  await endsWith(startOf('merge'), 0);
  expectAllThere();
  // The nightly job goes on from the merged state, and has nothing to write.
  const nightly = jobsOf(rendered)['langfuse-mlflow-sync'];
  if (nightly === undefined) throw new Error('no CronJob');
  await endsWith(startPod(placeOf(), { spec: nightly.template.spec, objects: rendered }), 0);
  expectAllThere();
});
