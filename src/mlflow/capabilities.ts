/**
 * What an MLflow can do beside holding runs, and how that is known. Versions rule out alone: a gateway, a fork or a
 * managed service may lack what its version has, so whatever is not ruled out is asked for. No question writes.
 */
import type { Capabilities, Capability, CapabilityName } from '../sync/ports.ts';
import { AppError } from '../shared/errors.ts';

/** `managed` is SageMaker, `local` a file without a server. */
export type TargetKind = 'plain' | 'managed' | 'local';

export interface CapabilityQuestion {
  readonly method: 'GET' | 'POST';
  /** Below the address of the server. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

interface CapabilityRule {
  /** What it is good for; also said by `doctor`. */
  readonly use: string;
  /** Kinds that never have it, and why. */
  readonly never: Partial<Record<TargetKind, string>>;
  /** The first version that has it, as `[major, minor]`. */
  readonly since?: readonly [number, number];
  /** About a thing that does not exist, so that MLflow's own "not found" shows that it knows the endpoint. */
  readonly question: CapabilityQuestion;
  /** An error code of MLflow that shows that it is not there; most show the opposite. */
  readonly lacking?: string;
}

const noOne = '0'.repeat(32);
const noServer = 'a local file has no server';
const api = 'api/2.0/mlflow';
const traceApi = 'api/3.0/mlflow/traces';

export const capabilityTable: Readonly<Record<CapabilityName, CapabilityRule>> = {
  artifact_proxy: {
    use: 'artifacts through the server',
    never: {
      managed: 'SageMaker hands no artifacts on; they go to S3',
      local: 'artifacts are files beside the database',
    },
    question: {
      method: 'GET',
      path: 'api/2.0/mlflow-artifacts/artifacts',
      query: { path: 'langfuse-mlflow-doctor' },
    },
  },
  presigned_upload: {
    use: 'artifacts to S3 by a link that the server signs',
    never: { local: noServer },
    since: [3, 12],
    question: {
      method: 'POST',
      path: `${api}/artifacts/presigned-upload-url`,
      body: { run_id: noOne, path: 'doctor.txt' },
    },
  },
  traces: {
    use: 'traces over the REST API of MLflow 3',
    never: { local: noServer },
    since: [3, 0],
    question: { method: 'GET', path: `${traceApi}/tr-${noOne}` },
  },
  otlp_traces: {
    use: 'spans over OTLP',
    never: {
      // https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-troubleshooting.html
      managed: 'SageMaker has no OTLP endpoint',
      local: noServer,
    },
    since: [3, 6],
    // Without the header that names an experiment: refused before the body is looked at.
    question: { method: 'POST', path: 'v1/traces', body: {} },
  },
  assessments: {
    use: 'scores as assessments of traces',
    never: { local: noServer },
    since: [3, 0],
    question: { method: 'GET', path: `${traceApi}/tr-${noOne}/assessments/a-${noOne}` },
  },
  logged_datasets: {
    use: 'datasets as inputs of runs',
    never: { local: 'the worker writes none into a local file' },
    since: [2, 4],
    question: { method: 'POST', path: `${api}/runs/log-inputs`, body: { run_id: noOne } },
  },
  search_is_null: {
    use: 'searching for runs that lack a tag',
    never: { local: noServer },
    question: {
      method: 'POST',
      path: `${api}/runs/search`,
      body: { experiment_ids: ['0'], max_results: 1, filter: 'tags.`langfuse_mlflow.key` IS NULL' },
    },
    lacking: 'INVALID_PARAMETER_VALUE',
  },
};

const names = Object.keys(capabilityTable) as readonly CapabilityName[];

/** Each is asked for once, when it is wanted. `ask` rejects with an AppError where the answer is not 2xx. */
export function createCapabilities(target: {
  readonly kind: TargetKind;
  readonly version: string | null;
  readonly ask: (question: CapabilityQuestion, use: string) => Promise<unknown>;
  readonly onNotice: (message: string) => void;
}): Capabilities {
  const known = new Map<CapabilityName, Promise<Capability>>();
  const turnedOff = new Set<CapabilityName>();

  async function look(name: CapabilityName): Promise<Capability> {
    const rule = capabilityTable[name];
    const { use } = rule;
    const never = rule.never[target.kind];
    if (never !== undefined) return { name, use, isThere: false, by: 'kind', because: never };
    if (isOlder(target.version, rule.since)) {
      const because = `MLflow has it since ${rule.since?.join('.')}, and this is ${target.version}`;
      return { name, use, isThere: false, by: 'version', because };
    }
    try {
      await target.ask(rule.question, use);
      return { name, use, isThere: true, by: 'probe', because: 'it answered when asked' };
    } catch (error) {
      return { name, use, by: 'probe', ...toFinding(error, rule.lacking) };
    }
  }

  async function find(name: CapabilityName): Promise<Capability> {
    const found = known.get(name);
    if (found !== undefined) return found;
    const asked = look(name);
    known.set(name, asked);
    // A server that was away is asked again.
    asked.catch(() => known.delete(name));
    return asked;
  }

  return {
    find,
    async list() {
      const found: Capability[] = [];
      for (const name of names) {
        try {
          found.push(await find(name));
        } catch (error) {
          if (!(error instanceof AppError) || error.code === 'CANCELLED') throw error;
          found.push({
            name,
            use: capabilityTable[name].use,
            isThere: null,
            by: 'probe',
            because: error.message,
          });
        }
      }
      return found;
    },
    turnOff(name, because) {
      if (turnedOff.has(name)) return;
      turnedOff.add(name);
      const { use } = capabilityTable[name];
      known.set(name, Promise.resolve({ name, use, isThere: false, by: 'use', because }));
      target.onNotice(`This MLflow does not give ${use} (${because}); the worker goes on without.`);
    },
  };
}

/** Those of a file: each is ruled out by its kind. */
export function createLocalCapabilities(): Capabilities {
  return createCapabilities({
    kind: 'local',
    version: null,
    ask: () => Promise.reject(new AppError('INTERNAL', 'There is no server to ask.')),
    onNotice: () => undefined,
  });
}

/** What a refused question shows. Rethrows what shows nothing: no answer, or a fault of the worker. */
function toFinding(
  error: unknown,
  lacking: string | undefined,
): Pick<Capability, 'isThere' | 'because'> {
  if (!(error instanceof AppError) || typeof error.details['status'] !== 'number') throw error;
  const { status, errorCode } = error.details;
  if (error.code === 'MLFLOW_UNREACHABLE') throw error;
  const label = typeof errorCode === 'string' ? `HTTP ${status} ${errorCode}` : `HTTP ${status}`;
  const isKnown =
    // FastAPI's word for a call that it knows and that lacks something.
    status === 422 ||
    (errorCode !== lacking &&
      (errorCode === 'RESOURCE_DOES_NOT_EXIST' || errorCode === 'INVALID_PARAMETER_VALUE'));
  if (isKnown) return { isThere: true, because: `it answered when asked (${label})` };
  if (status >= 500 && status !== 501 && error.code !== 'MLFLOW_ARTIFACTS_UNSUPPORTED') {
    return { isThere: null, because: error.message };
  }
  return { isThere: false, because: `${label} when asked` };
}

function isOlder(version: string | null, since: readonly [number, number] | undefined): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (since === undefined || major === undefined || minor === undefined) return false;
  return Number(major) < since[0] || (Number(major) === since[0] && Number(minor) < since[1]);
}
