/** Puts the parts together: from parsed settings to an open Langfuse, an open MLflow and an open state file. */
import { hostname } from 'node:os';
import {
  findConfiguredRegion,
  findConfiguredTarget,
  openConfiguredCredentials,
} from './app-aws.ts';
import { measureState } from './app-measures.ts';
import { toProxies } from './app-network.ts';
import type { Backup } from './backup/open-backup.ts';
import {
  defaultIntervalMs,
  defaultLeaseMs,
  type BackupSettings,
} from './backup/backup-settings.ts';
import { renderTrackingUri, type FoundTrackingUri } from './config/parse-tracking-uri.ts';
import type { Secrets, Settings } from './config/settings.ts';
import type { ProbeReport } from './langfuse/probe.ts';
import type { SourceSettings } from './langfuse/source-settings.ts';
import type { S3ArtifactWriter } from './mlflow/s3-artifacts.ts';
import type { TargetSettings } from './mlflow/open-target.ts';
import { compileOwnPattern } from './redact/own-pattern.ts';
import type { PrivacyRules } from './redact/privacy.ts';
import type { Clock } from './shared/clock.ts';
import { checkStatePlace } from './store/check-state-place.ts';
import {
  openExistingState,
  openState,
  toStateError,
  type ExistingState,
  type State,
} from './store/open-state.ts';
import type { Source, Target } from './sync/ports.ts';
import type { SyncSettings } from './sync/sync-settings.ts';

export interface Surroundings {
  readonly settings: Settings;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told in a sentence of waits, retries and what was left out. */
  readonly onNotice: (message: string, details?: Readonly<Record<string, unknown>>) => void;
  /** Told of each request to an API, each attempt: its HTTP status, null where no answer came. */
  readonly onCall?: (api: 'langfuse' | 'mlflow', status: number | null) => void;
}

export function toSourceSettings(around: Surroundings): SourceSettings {
  const { langfuse } = around.settings;
  return {
    baseUrl: langfuse.baseUrl,
    publicKey: langfuse.publicKey ?? '',
    secretKey: around.secrets.langfuseSecretKey ?? '',
    pageSize: langfuse.pageSize,
    concurrency: langfuse.concurrency,
    timeoutMs: langfuse.timeoutMs,
    maxWaitMs: langfuse.maxWaitMs,
    maxAnswerBytes: langfuse.maxAnswerBytes,
    reader: langfuse.reader,
    environments: langfuse.environments,
    clock: around.clock,
    signal: around.signal,
    onNotice: (notice) => around.onNotice(notice.message, { kind: notice.kind, ...notice.details }),
    onCall: (status) => around.onCall?.('langfuse', status),
  };
}

function toTargetSettings(around: Surroundings, trackingUri: FoundTrackingUri): TargetSettings {
  const { mlflow } = around.settings;
  return {
    trackingUri: renderTrackingUri(trackingUri),
    username: mlflow.username ?? undefined,
    password: around.secrets.mlflowPassword ?? undefined,
    token: around.secrets.mlflowToken ?? undefined,
    workspace: mlflow.workspace ?? undefined,
    insecureTls: mlflow.insecureTls,
    proxies: toProxies(around) ?? undefined,
    serverCertPath: mlflow.serverCertPath ?? undefined,
    clientCertPath: mlflow.clientCertPath ?? undefined,
    timeoutMs: mlflow.timeoutMs,
    maxRetries: mlflow.maxRetries,
    concurrency: mlflow.concurrency,
    requestsPerSecond: mlflow.requestsPerSecond,
    clock: around.clock,
    signal: around.signal,
    onNotice: around.onNotice,
    onCall: (status) => around.onCall?.('mlflow', status),
  };
}

function toPrivacyRules({ content }: Settings, secrets: Secrets): PrivacyRules {
  return {
    text: content.text,
    redact: { kinds: content.redact, patterns: content.redactPatterns.map(compileOwnPattern) },
    maxTextBytes: content.maxTextBytes,
    hashed: { kinds: content.hashNames, key: secrets.hashKey },
  };
}

export function toSyncSettings(settings: Settings, secrets: Secrets): SyncSettings {
  return {
    windowMs: settings.windows.sizeMs,
    settleMs: settings.windows.settleMs,
    lookbackMs: settings.windows.lookbackMs,
    factsRetentionMs: settings.windows.factsRetentionMs,
    startMs: settings.windows.startMs,
    checksEmptiness: settings.windows.emptyCheck === 'on',
    maxRuntimeMs: settings.windows.maxRuntimeMs,
    experimentName: settings.mlflow.experimentName,
    privacy: toPrivacyRules(settings, secrets),
    requestRuns: settings.content.requestRuns,
    traces: settings.content.traces,
    publishConcurrency: settings.mlflow.concurrency,
    measures: settings.measures,
    understanding: {
      modelAliases: settings.understanding.modelAliases,
      origin: settings.understanding.origin,
      maxLatencyMs: settings.understanding.maxLatencyMs,
    },
  };
}

/** Probes Langfuse and opens it. Adapters are loaded here, when a command needs them, so that `--help` is quick. */
export async function openConfiguredSource(around: Surroundings): Promise<Source> {
  const { openSource } = await import('./langfuse/open-source.ts');
  return openSource(toSourceSettings(around));
}

/** In how many slices a window is read. */
export async function countConfiguredSlices({ langfuse }: Settings): Promise<number> {
  const { slicesPerReader } = await import('./langfuse/reader-context.ts');
  return langfuse.concurrency * slicesPerReader;
}

/** Opens the MLflow of the settings, also one that is only known by its name. Throws as the targets, and SAGEMAKER_*. */
export async function openConfiguredTarget(around: Surroundings): Promise<Target> {
  const { aws } = around.settings;
  const trackingUri = await findConfiguredTarget(around);
  const settings = toTargetSettings(around, trackingUri);
  if (trackingUri.kind === 'local') {
    const { openTarget } = await import('./mlflow/open-target.ts');
    return openTarget(settings);
  }
  // Asked for nothing until something must be signed: a server that hands artifacts on needs no AWS.
  const credentials = await openConfiguredCredentials(around);
  const artifactWriters = { s3: await createConfiguredS3Writer(around) };
  if (trackingUri.kind === 'sagemaker') {
    const { openSageMakerTarget } = await import('./sagemaker/open-sagemaker-target.ts');
    const { toManagedEndpoint } = await import('./sagemaker/managed-endpoint.ts');
    const endpoint = toManagedEndpoint(trackingUri, aws.mlflowEndpoint);
    return openSageMakerTarget(settings, { endpoint, credentials, artifactWriters });
  }
  const { openTarget } = await import('./mlflow/open-target.ts');
  return openTarget(settings, artifactWriters);
}

/** Artifacts of runs whose `artifact_uri` is in S3, with the credentials of the run. */
export async function createConfiguredS3Writer(around: Surroundings): Promise<S3ArtifactWriter> {
  const { mlflow, aws } = around.settings;
  const { createS3ArtifactWriter } = await import('./mlflow/s3-artifacts.ts');
  const credentials = await openConfiguredCredentials(around);
  return createS3ArtifactWriter({
    region: async () => {
      const trackingUri = await findConfiguredTarget(around);
      return trackingUri.kind === 'sagemaker' ? trackingUri.region : findConfiguredRegion(around);
    },
    endpoint: aws.artifactEndpoint ?? aws.s3Endpoint,
    credentials: credentials.provider,
    onCredentialsRefused: credentials.refresh,
    identify: credentials.identify,
    identityText: credentials.identityText,
    kmsKeyId: aws.artifactKmsKeyId,
    expectedOwner: aws.artifactBucketOwner,
    proxies: toProxies(around),
    timeoutMs: mlflow.timeoutMs,
    signal: around.signal,
  });
}

/** Looks at each part of the configured Langfuse by itself. Never throws. */
export async function probeConfiguredSource(around: Surroundings): Promise<ProbeReport> {
  const { probeSource } = await import('./langfuse/probe.ts');
  return probeSource(toSourceSettings(around));
}

/** Takes the lease of the configured copy of the state, and restores the file from it where that is due. Null without one. */
export async function openConfiguredBackup(around: Surroundings): Promise<Backup | null> {
  const settings = await toBackupSettings(around);
  if (settings === null) return null;
  const { openBackup } = await import('./backup/open-backup.ts');
  return openBackup(settings);
}

/** A sentence on whether the configured copy of the state can be used; null without one. Throws BACKUP_*. */
export async function checkConfiguredBackup(around: Surroundings): Promise<string | null> {
  const settings = await toBackupSettings(around);
  if (settings === null) return null;
  const { checkBackup } = await import('./backup/check-backup.ts');
  return checkBackup(settings);
}

async function toBackupSettings(around: Surroundings): Promise<BackupSettings | null> {
  const { state, aws } = around.settings;
  if (state.backup === null) return null;
  return {
    ...state.backup,
    region: await findConfiguredRegion(around),
    credentials: await openConfiguredCredentials(around),
    endpoint: aws.s3Endpoint,
    proxies: toProxies(around),
    stateFile: state.file,
    holder: toHolder(),
    clock: around.clock,
    onNotice: (message) => around.onNotice(message),
    leaseMs: defaultLeaseMs,
    intervalMs: defaultIntervalMs,
  };
}

/** Opens the state file, creating it when it does not exist. */
export function openConfiguredState(settings: Settings): State {
  const state = openState(settings.state.file);
  measureState(state, settings.measures);
  return state;
}

/** An error of SQLite on the open state file as STATE_BUSY, STATE_DISK or STATE_UNUSABLE; any other as it is. */
export function toStateFault(error: unknown, state: State): unknown {
  return toStateError(error, state.path);
}

/** Opens the state file for looking only; creates and changes nothing. Throws STATE_*. */
export function openConfiguredStateToRead(settings: Settings): ExistingState {
  const state = openExistingState(settings.state.file);
  measureState(state, settings.measures);
  return state;
}

/** A sentence on whether the state file can be used; creates nothing. Throws STATE_*. */
export function checkConfiguredState(settings: Settings): string {
  return checkStatePlace(settings.state.file);
}

/** `host (process 123)`: who holds the lease. */
export function toHolder(): string {
  return `${hostname()} (process ${process.pid})`;
}
