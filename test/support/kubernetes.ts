/** Renders deploy/kubernetes and deploy/helm with the real programs, installed by scripts/install-kubernetes-tools.sh. */
import { join, relative } from 'node:path';
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { installByScript, run } from './mlflow-install.ts';
import { openTempFolder } from './temp-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The name of the release and of the namespace, as in the overlays. */
const release = 'langfuse-mlflow';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

export interface FailureRule {
  readonly action: 'FailJob' | 'Ignore' | 'Count' | 'FailIndex';
  readonly onExitCodes?: { readonly operator: 'In' | 'NotIn'; readonly values: readonly number[] };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: string }[];
}

export interface PodSpec {
  readonly restartPolicy: string;
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom: readonly Readonly<Record<string, { readonly name: string }>>[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface JobSpec {
  readonly suspend?: boolean;
  readonly completionMode?: string;
  readonly completions?: number;
  readonly backoffLimitPerIndex?: number;
  readonly activeDeadlineSeconds: number;
  readonly backoffLimit: number;
  readonly podFailurePolicy: { readonly rules: readonly FailureRule[] };
  readonly template: { readonly spec: PodSpec };
}

/** Each CronJob's job by the name of the CronJob. */
export function jobsOf(objects: readonly KubernetesObject[]): Record<string, JobSpec> {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind === 'CronJob')
      .map(({ metadata, spec }) => [
        metadata.name,
        (spec as { jobTemplate: { spec: JobSpec } }).jobTemplate.spec,
      ]),
  );
}

/** Each Job that is none of a CronJob, by its name. */
export function plainJobsOf(objects: readonly KubernetesObject[]): Record<string, JobSpec> {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind === 'Job')
      .map(({ metadata, spec }) => [metadata.name, spec as JobSpec]),
  );
}

/** What the job controller does about a pod that ended: the action of the first rule that fits, else `Count`. */
export function decideFailure(
  rules: readonly FailureRule[],
  pod: { readonly exitCode: number; readonly conditions: readonly string[] },
): FailureRule['action'] {
  const fits = (rule: FailureRule): boolean => {
    if (rule.onPodConditions) {
      return rule.onPodConditions.some(({ type }) => pod.conditions.includes(type));
    }
    const { operator, values = [] } = rule.onExitCodes ?? {};
    return values.includes(pod.exitCode) === (operator === 'In');
  };
  return rules.find(fits)?.action ?? 'Count';
}

export interface KubernetesTools {
  /** Objects of an overlay of deploy/kubernetes, or of a kustomization given as text, from which `ROOT` leads to the project. */
  readonly kustomize: (overlay: string) => Promise<KubernetesObject[]>;
  readonly kustomizeText: (text: string) => Promise<KubernetesObject[]>;
  /** Objects of the chart; throws with what helm says. */
  readonly helm: (args?: readonly string[]) => Promise<KubernetesObject[]>;
  /** What the schemas of a Kubernetes version find wrong, unknown fields too; empty where nothing is. */
  readonly validate: (objects: readonly KubernetesObject[], version: string) => Promise<string>;
}

/** Installs helm, kubectl and the schemas where they are not there yet. Throws where that cannot be done. */
export async function openKubernetesTools(): Promise<KubernetesTools> {
  const { folder, problem } = await installByScript({
    script: 'install-kubernetes-tools.sh',
    args: [],
    name: 'helm, kubectl and the schemas of Kubernetes',
  });
  if (folder === null) throw new Error(problem);
  const say = async (program: string, args: readonly string[]): Promise<string> => {
    const end = await run(join(folder, 'bin', program), args, { cwd: root });
    if (end.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${end.stderr}${end.stdout}`);
    return end.stdout;
  };
  const kustomize = async (path: string): Promise<KubernetesObject[]> =>
    parseObjects(await say('kubectl', ['kustomize', path]));
  return {
    kustomize: (overlay) => kustomize(join('deploy/kubernetes/overlays', overlay)),
    kustomizeText: async (text) => {
      using temp = openTempFolder();
      const path = realpathSync(temp.path);
      const written = text.replaceAll('ROOT', relative(path, realpathSync(root)));
      writeFileSync(join(path, 'kustomization.yaml'), written);
      // The folder is gone when this ends.
      return await kustomize(path);
    },
    helm: async (args = []) =>
      parseObjects(
        await say('helm', ['template', release, 'deploy/helm', '--namespace', release, ...args]),
      ),
    validate: async (objects, version) => {
      using temp = openTempFolder();
      const file = join(temp.path, 'objects.yaml');
      writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
      const args = ['--strict', '--quiet', '-k', version, file];
      const end = await run(join(folder, 'bin', 'kubernetes-validate'), args);
      return end.code === 0 ? end.stdout : `${end.stdout}${end.stderr}` || `exit code ${end.code}`;
    },
  };
}

function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null)
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;
