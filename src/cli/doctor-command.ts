import {
  askConfiguredIdentity,
  findConfiguredTarget,
  openConfiguredControlPlane,
} from '../app-aws.ts';
import {
  checkConfiguredBackup,
  checkConfiguredState,
  createConfiguredS3Writer,
  openConfiguredTarget,
  probeConfiguredSource,
} from '../app.ts';
import { toVisibleText } from '../report/visible-text.ts';
import { toManagedRef } from '../sagemaker/managed-mlflow.ts';
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import type { Capability, Target } from '../sync/ports.ts';
import { printIam } from './print-iam.ts';
import { renderCapabilities, toCapabilitiesJson } from './render-capabilities.ts';
import { toErrorJson, toExitCode } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings, type CommandRun } from './with-settings.ts';

/** One thing that was looked at. */
interface Check {
  readonly plane: 'langfuse' | 'aws' | 'mlflow' | 'state';
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

type ProbeArtifact = Parameters<Target['putArtifact']>[0];

interface PlaneReport {
  readonly checks: readonly Check[];
  readonly failure: AppError | null;
  /** Of an MLflow server that answers. */
  readonly capabilities?: readonly Capability[];
}

/** `langfuse-mlflow doctor`: each plane by itself, so that one fault hides no other. */
export async function runDoctorCommand(
  around: CliSurroundings,
  given: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { printIam: printsIam, artifactRoot, ...flags } = given;
  if (printsIam === true) {
    await printIam(around, flags, typeof artifactRoot === 'string' ? artifactRoot : null);
    return;
  }
  await withSettings(around, { name: 'doctor', flags }, async (command) => {
    const planes = [
      await checkLangfuse(command),
      await checkIdentity(command),
      await checkSageMaker(command),
      await checkMlflow(command),
      checkState(command),
      await checkBackup(command),
    ];
    const checks = planes.flatMap((plane) => plane.checks);
    const failures = planes.flatMap((plane) => plane.failure ?? []);
    const capabilities = planes.flatMap((plane) => plane.capabilities ?? []);
    // What waiting does not mend is said by the exit code, whatever else did not answer.
    const first =
      failures.find((failure) => toExitCode(failure) !== ExitCode.tryAgainLater) ?? failures[0];
    return {
      exitCode: first === undefined ? ExitCode.done : toExitCode(first),
      text: command.hide(renderChecks(checks, { failures, capabilities })),
      json: {
        ok: failures.length === 0,
        checks: checks.map((check) => ({ ...check, detail: command.hide(check.detail) })),
        capabilities: toCapabilitiesJson(capabilities, command.hide),
        failures: failures.map((failure) => toErrorJson(failure, command.hide)),
      },
    };
  });
}

async function checkLangfuse(command: CommandRun): Promise<PlaneReport> {
  const report = await probeConfiguredSource(command);
  const checks: Check[] = report.steps.map((step) => ({ plane: 'langfuse', ...step }));
  if (report.description) {
    const { description } = report;
    checks.push({
      plane: 'langfuse',
      name: 'reader',
      ok: true,
      detail: `${description.reader} for project ${description.projectName ?? description.projectId}: ${description.reason}`,
    });
  } else if (report.failure) {
    checks.push({ plane: 'langfuse', name: 'reader', ok: false, detail: report.failure.message });
  }
  return { checks, failure: report.failure };
}

/** Who the worker is to AWS, where a SageMaker MLflow or a copy of the state makes it one of its callers. */
async function checkIdentity(command: CommandRun): Promise<PlaneReport> {
  if (!isCallerOfAws(command.settings)) return { checks: [], failure: null };
  const check = { plane: 'aws', name: 'identity' } as const;
  try {
    const { arn, account } = await askConfiguredIdentity(command);
    return {
      checks: [{ ...check, ok: true, detail: `${arn} (account ${account})` }],
      failure: null,
    };
  } catch (caught) {
    const failure = toAppError(caught);
    return { checks: [{ ...check, ok: false, detail: failure.message }], failure };
  }
}

/** The keys of another S3 server, such as MinIO, are none that AWS knows: STS would only refuse them. */
function isCallerOfAws({ mlflow, state, aws }: CommandRun['settings']): boolean {
  const { kind } = mlflow.trackingUri;
  if (kind === 'sagemaker' || kind === 'named') return true;
  if (state.backup === null) return false;
  if (aws.s3Endpoint === null || aws.stsEndpoint !== null || aws.assumeRoleArn !== null)
    return true;
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(aws.s3Endpoint).hostname);
}

/** The control plane alone: a sync by ARN works without it, but only it tells of a server that was stopped. */
async function checkSageMaker(command: CommandRun): Promise<PlaneReport> {
  const isNamed = command.settings.mlflow.trackingUri.kind === 'named';
  const check = { plane: 'aws', name: 'describe' } as const;
  try {
    const trackingUri = await findConfiguredTarget(command);
    if (trackingUri.kind !== 'sagemaker') return { checks: [], failure: null };
    using plane = await openConfiguredControlPlane(command, trackingUri.region);
    const found = await plane.describe(toManagedRef(trackingUri));
    const detail = `${found.name}${isNamed ? ` is ${found.arn},` : ''} is in status ${found.status}, MLflow ${found.mlflowVersion ?? 'unknown'}, artifacts at ${found.artifactStore ?? 'an unknown place'}`;
    if (!found.isUsable) {
      throw new AppError('SAGEMAKER_CONFLICT', `${detail}; it answers no requests.`, {
        hint: 'Start it with `langfuse-mlflow tracking-server start --wait`.',
      });
    }
    return { checks: [{ ...check, ok: true, detail }], failure: null };
  } catch (caught) {
    const failure = toAppError(caught);
    return { checks: [{ ...check, ok: false, detail: failure.message }], failure };
  }
}

/** Opens MLflow, looks for the experiment, and writes and deletes a probe run with an artifact. */
async function checkMlflow(command: CommandRun): Promise<PlaneReport> {
  const checks: Check[] = [];
  const pass = (name: string, detail: string): void => {
    checks.push({ plane: 'mlflow', name, ok: true, detail });
  };
  let doing = 'server';
  try {
    await using target = await openConfiguredTarget(command);
    pass('server', `${target.description.uri}, version ${target.description.version ?? 'unknown'}`);
    doing = 'experiment';
    const name = command.settings.mlflow.experimentName;
    const experiment = await target.findExperiment(name);
    if (experiment === null) {
      pass(
        'experiment',
        `${name} does not exist yet; sync creates it, and doctor writes nothing before that`,
      );
      return { checks, failure: null, capabilities: await listCapabilities(target) };
    }
    pass(
      'experiment',
      `${name} (id ${experiment.experimentId}), artifacts at ${experiment.artifactLocation}`,
    );
    doing = 'run and artifact';
    const isInS3 = experiment.artifactLocation.startsWith('s3:');
    await writeProbe(target, {
      experimentId: experiment.experimentId,
      nowMs: command.clock.now(),
      beforePut: () => {
        if (isInS3) doing = 'S3 put';
      },
      afterPut: async (probe) => {
        if (isInS3) {
          const onStep = (step: string): void => void (doing = step);
          for (const found of await checkS3(command, { target, probe, onStep }))
            pass(found.name, found.detail);
        }
        doing = 'run and artifact';
      },
    });
    pass('run and artifact', 'a probe run with an artifact was written and deleted again');
    return { checks, failure: null, capabilities: await listCapabilities(target) };
  } catch (caught) {
    const failure = toAppError(caught);
    checks.push({ plane: 'mlflow', name: doing, ok: false, detail: failure.message });
    return { checks, failure };
  }
}

/**
 * What the worker's own keys may do with the probe that the target has put, and that it can be read back. Where they
 * may not put, the target has done it by a link that MLflow signs: then that is said, and nothing has failed. `onStep`
 * is told which check a failure belongs to. Throws as the writer of artifacts.
 */
async function checkS3(
  command: CommandRun,
  {
    target,
    probe,
    onStep,
  }: {
    readonly target: Target;
    readonly probe: ProbeArtifact;
    readonly onStep: (name: string) => void;
  },
): Promise<{ readonly name: string; readonly detail: string }[]> {
  const at = `${probe.run.artifactUri}/${probe.path}`;
  const own = await createConfiguredS3Writer(command);
  const refusal = await refusalOf(() => own.put(probe));
  onStep('S3 get');
  const read = await target.getArtifact(probe);
  if (read === null || !probe.body.every((byte, index) => read[index] === byte)) {
    throw new AppError('MLFLOW_UNEXPECTED', `${at} was put and reads back as something else.`);
  }
  const byLink = refusal === null ? '' : ' by a link that MLflow signs';
  const checks = [
    {
      name: 'S3 put',
      detail: `${at}${byLink}${refusal === null ? '' : `; by itself not: ${refusal}`}`,
    },
    { name: 'S3 get', detail: `${at}${byLink}` },
  ];
  onStep('S3 delete');
  if (refusal === null) {
    await own.delete(probe);
    return [...checks, { name: 'S3 delete', detail: at }];
  }
  const kept = await refusalOf(() => own.delete(probe));
  const detail = kept === null ? at : `${at} stays, of 3 bytes: no link deletes, and ${kept}`;
  return [...checks, { name: 'S3 delete', detail }];
}

/** Why the worker's own keys may not do it; null where they may. Throws what is no refusal. */
async function refusalOf(attempt: () => Promise<void>): Promise<string | null> {
  try {
    await attempt();
    return null;
  } catch (error) {
    const isRefusal =
      error instanceof AppError &&
      (error.code === 'AWS_CREDENTIALS' || error.code === 'MLFLOW_ARTIFACTS_DENIED');
    if (isRefusal) return error.message;
    throw error;
  }
}

/** A local file holds runs and nothing else, which need not be said. */
async function listCapabilities(target: Target): Promise<readonly Capability[]> {
  return target.description.kind === 'local' ? [] : target.capabilities.list();
}

async function writeProbe(
  target: Target,
  probe: {
    readonly experimentId: string;
    readonly nowMs: number;
    readonly beforePut: () => void;
    readonly afterPut: (artifact: ProbeArtifact) => Promise<void>;
  },
): Promise<void> {
  const run = await target.createRun({
    experimentId: probe.experimentId,
    name: 'langfuse-mlflow doctor',
    startMs: probe.nowMs,
    tags: {
      'mlflow.note.content': 'Written by `langfuse-mlflow doctor` to see that writing works.',
    },
  });
  try {
    const body = new TextEncoder().encode('ok\n');
    const artifact = { run, path: 'doctor.txt', body, contentType: 'text/plain' };
    probe.beforePut();
    await target.putArtifact(artifact);
    await probe.afterPut(artifact);
    await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: probe.nowMs });
  } finally {
    await target.deleteRun(run.runId);
  }
}

function checkState(command: CommandRun): PlaneReport {
  try {
    return {
      checks: [
        { plane: 'state', name: 'file', ok: true, detail: checkConfiguredState(command.settings) },
      ],
      failure: null,
    };
  } catch (caught) {
    const failure = toAppError(caught);
    return {
      checks: [{ plane: 'state', name: 'file', ok: false, detail: failure.message }],
      failure,
    };
  }
}

async function checkBackup(command: CommandRun): Promise<PlaneReport> {
  const check = { plane: 'state', name: 'backup' } as const;
  try {
    const detail = await checkConfiguredBackup(command);
    return { checks: detail === null ? [] : [{ ...check, ok: true, detail }], failure: null };
  } catch (caught) {
    const failure = toAppError(caught);
    return { checks: [{ ...check, ok: false, detail: failure.message }], failure };
  }
}

function renderChecks(
  checks: readonly Check[],
  more: { readonly failures: readonly AppError[]; readonly capabilities: readonly Capability[] },
): string {
  const lines = checks.map(
    (check) =>
      `${check.ok ? 'ok  ' : 'FAIL'}  ${check.plane.padEnd(8)}  ${check.name.padEnd(16)}  ${check.detail}`,
  );
  const next = more.failures.map((failure) => `next:  ${failure.hint}`);
  const can = renderCapabilities(more.capabilities);
  return `${[...lines.map(toVisibleText), ...can, ...(next.length > 0 ? ['', ...next] : [])].join('\n')}\n`;
}
