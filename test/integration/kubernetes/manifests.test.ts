/** deploy/kubernetes and deploy/helm, rendered by kubectl and helm: the same objects, valid, and safe to run. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listSettings } from '../../../src/config/list-settings.ts';
import { parseDuration } from '../../../src/config/parse-duration.ts';
import { ExitCode } from '../../../src/shared/errors.ts';
import { leaseMs } from '../../../src/store/lease.ts';
import {
  decideFailure,
  jobsOf,
  openKubernetesTools,
  plainJobsOf,
  type JobSpec,
  type KubernetesObject,
  type KubernetesTools,
} from '../../support/kubernetes.ts';

/** The oldest that the chart allows, and the newest that there are schemas of. */
const versions = ['1.29', '1.37'];

const secretEnvOverlay = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: langfuse-mlflow
resources: [ROOT/deploy/kubernetes/base]
components:
  - ROOT/deploy/kubernetes/components/state-pvc
  - ROOT/deploy/kubernetes/components/secret-env
images: [{ name: langfuse-mlflow, newTag: 0.1.0 }]
`;

const backfillValues = [
  '--set',
  'backfill.enabled=true,backfill.from=2026-01-01,backfill.to=2026-07-01',
];

const renderings = [
  {
    name: 'state on a volume',
    kustomize: (tools: KubernetesTools) => tools.kustomize('pvc'),
    helm: [],
  },
  {
    name: 'state in S3, on EKS',
    kustomize: (tools: KubernetesTools) => tools.kustomize('s3'),
    helm: ['-f', 'deploy/helm/values-s3.yaml'],
  },
  {
    name: 'secrets as variables',
    kustomize: (tools: KubernetesTools) => tools.kustomizeText(secretEnvOverlay),
    helm: ['--set', 'secret.as=env'],
  },
  {
    name: 'a backfill in shards',
    kustomize: (tools: KubernetesTools) => tools.kustomize('backfill'),
    helm: backfillValues,
  },
];

describe('Kubernetes manifests', () => {
  let tools: KubernetesTools;
  let problem: string | null = null;

  beforeAll(async () => {
    try {
      tools = await openKubernetesTools();
    } catch (error) {
      if (process.env.CI === 'true') throw error;
      problem = String(error);
    }
  });

  beforeEach((context) => {
    if (problem !== null) context.skip(problem);
  });

  describe.each(renderings)('$name', ({ kustomize, helm }) => {
    let objects: KubernetesObject[];
    beforeAll(async () => {
      if (problem === null) objects = await kustomize(tools);
    });

    test.each(versions)('is valid for Kubernetes %s, without an unknown field', async (version) => {
      expect(objects.length).toBeGreaterThan(4);
      expect(await tools.validate(objects, version)).toBe('');
    });

    test('is the same from kustomize and from helm', async () => {
      expect((await tools.helm(helm)).map(withoutHelmsOwn)).toEqual(objects);
    });

    test('holds no secret, only its name', () => {
      expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
    });

    test('every setting is one of the worker', () => {
      const known = new Set(
        listSettings().flatMap(({ setting }) =>
          setting.env.flatMap((name) => [name, `${name}_FILE`]),
        ),
      );
      const data = objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
      expect(Object.keys(data).length).toBeGreaterThan(3);
      expect(Object.keys(data).filter((name) => !known.has(name))).toEqual([]);
    });

    test('each pod keeps to the restricted pod security standard, and can write two folders only', () => {
      const jobs = [...Object.values(jobsOf(objects)), ...Object.values(plainJobsOf(objects))];
      for (const { template } of jobs) {
        const pod = template.spec;
        expect(pod).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false });
        expect(pod.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 10001,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(pod.containers).toHaveLength(1);
        for (const container of pod.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            privileged: false,
            readOnlyRootFilesystem: true,
          });
          const volumes = pod.volumes.map(({ name }) => name);
          expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(
            volumes.toSorted(),
          );
          const writable = pod.volumes.filter((volume) => !('secret' in volume));
          expect(writable.map(({ name }) => name).toSorted()).toEqual(['data', 'tmp']);
        }
      }
    });

    test('the worker runs out of its own time before the job does', () => {
      const jobs = Object.entries(jobsOf(objects));
      expect(jobs.map(([name]) => name)).toEqual([
        'langfuse-mlflow-sync',
        'langfuse-mlflow-verify',
      ]);
      for (const [, job] of jobs) {
        const args = job.template.spec.containers[0]?.args ?? [];
        const maxRuntime = parseDuration(args[args.indexOf('--max-runtime') + 1] ?? '');
        const graceMs = job.template.spec.terminationGracePeriodSeconds * 1000;
        expect(job.activeDeadlineSeconds * 1000).toBeGreaterThan(maxRuntime + graceMs);
      }
    });

    test.each([
      [ExitCode.usage, [], 'FailJob'],
      [ExitCode.behind, [], 'FailJob'],
      [ExitCode.windowsFailed, [], 'FailJob'],
      [ExitCode.tryAgainLater, [], 'Count'],
      [ExitCode.terminated, [], 'Count'],
      [137, [], 'Count'],
      [ExitCode.terminated, ['DisruptionTarget'], 'Ignore'],
      [137, ['DisruptionTarget'], 'Ignore'],
    ] as const)('exit code %d, %j: %s', (exitCode, conditions, action) => {
      for (const { podFailurePolicy } of Object.values(jobsOf(objects))) {
        expect(decideFailure(podFailurePolicy.rules, { exitCode, conditions })).toBe(action);
      }
    });

    test('retries go on for longer than the lease of a worker that was killed', () => {
      for (const { backoffLimit } of Object.values(jobsOf(objects))) {
        // The job controller waits 10 s before the first retry, twice as long before each further one, 10 min at most.
        const waitsMs = Array.from({ length: backoffLimit }, (_, retry) =>
          Math.min(10_000 * 2 ** retry, 600_000),
        );
        expect(waitsMs.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(2 * leaseMs);
      }
    });
  });

  describe('a backfill in shards', () => {
    let backfill: JobSpec | undefined;
    let merge: JobSpec | undefined;
    let nightly: KubernetesObject[];
    beforeAll(async () => {
      if (problem !== null) return;
      const objects = await tools.kustomize('backfill');
      const jobs = plainJobsOf(objects);
      ({ 'langfuse-mlflow-backfill': backfill, 'langfuse-mlflow-merge': merge } = jobs);
      nightly = objects.filter(({ kind }) => kind === 'CronJob');
    });
    const argsOf = (job?: JobSpec): readonly string[] =>
      job?.template.spec.containers[0]?.args ?? [];

    test('each pod has a file of its own, and merge takes exactly these', () => {
      const flag = argsOf(backfill).find((word) => word.startsWith('--state-file='));
      const files = Array.from({ length: backfill?.completions ?? 0 }, (_, index) =>
        (flag ?? '').replace('--state-file=', '').replace('$(JOB_COMPLETION_INDEX)', String(index)),
      );
      expect(new Set(files).size).toBe(4);
      expect(argsOf(merge)).toEqual(['merge', ...files]);
      expect(argsOf(backfill)).toContain(`--shards=${backfill?.completions}`);
      expect(backfill?.completionMode).toBe('Indexed');
    });

    test('nobody else writes the experiment until all is merged', () => {
      expect(merge?.suspend).toBe(true);
      expect(backfill).not.toHaveProperty('suspend');
      expect(nightly.map(({ spec }) => (spec as JobSpec).suspend)).toEqual([true, true]);
    });

    test.each([
      [ExitCode.usage, [], 'FailIndex', 'FailJob'],
      [ExitCode.behind, [], 'FailIndex', 'FailJob'],
      [ExitCode.windowsFailed, [], 'FailIndex', 'FailJob'],
      [ExitCode.tryAgainLater, [], 'Count', 'Count'],
      [137, ['DisruptionTarget'], 'Ignore', 'Ignore'],
    ] as const)(
      'exit code %d, %j: %s of a shard, %s of the merge',
      (exitCode, conditions, ...actions) => {
        const end = { exitCode, conditions };
        expect(
          [backfill, merge].map((job) => decideFailure(job?.podFailurePolicy.rules ?? [], end)),
        ).toEqual(actions);
      },
    );

    test('the number of shards is said once to helm', async () => {
      const jobs = plainJobsOf(
        await tools.helm([...backfillValues, '--set', 'backfill.shards=11']),
      );
      expect(jobs['langfuse-mlflow-backfill']?.completions).toBe(11);
      expect(argsOf(jobs['langfuse-mlflow-backfill'])).toContain('--shards=11');
      expect(argsOf(jobs['langfuse-mlflow-merge'])).toHaveLength(12);
    });
  });

  test.each([
    ['backfill.enabled=true', 'backfill.from and backfill.to'],
    [
      'backfill.enabled=true,backfill.from=2026-01-01,backfill.to=2026-07-01,state.kind=s3,state.backup=s3://b/k',
      'state.kind pvc',
    ],
    ['state.kind=s3', 'state.backup'],
    ['state.kind=disk', 'state.kind is pvc or s3'],
    ['secret.as=vault', 'secret.as is files or env'],
  ])('helm refuses %s', async (value, words) => {
    await expect(tools.helm(['--set', value])).rejects.toThrow(words);
  });
});

/** Labels and annotations that helm alone reads. */
function withoutHelmsOwn(object: KubernetesObject): KubernetesObject {
  const { annotations, labels, ...metadata } = object.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([name]) => !name.startsWith('helm.sh/'));
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: Object.fromEntries(
        Object.entries(labels ?? {}).filter(
          ([name]) => !name.startsWith('helm.sh/') && name !== 'app.kubernetes.io/managed-by',
        ),
      ),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    },
  };
}
