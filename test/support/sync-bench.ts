/** The nightly sync as cron runs it: everything is opened anew for each run, from settings, with a clock that a test sets. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openMeasureChecks } from '../../src/app-measures.ts';
import {
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toSyncSettings,
} from '../../src/app.ts';
import type { CommandName } from '../../src/config/command-names.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import {
  startSampleServer,
  type SampleServer,
  type SampleServerOptions,
} from '../../src/demo/sample-server.ts';
import type { SampleTraffic } from '../../src/demo/sample-types.ts';
import type { Clock } from '../../src/shared/clock.ts';
import { toInstant } from '../../src/shared/time.ts';
import {
  runSync,
  type SyncParts,
  type SyncRequest,
  type SyncSummary,
} from '../../src/sync/run-sync.ts';
import { recoverState, type RecoverSummary } from '../../src/verify/recover-state.ts';
import { runVerifyCounts, type CountsSummary } from '../../src/verify/run-counts.ts';
import { runVerify, type VerifyRequest, type VerifySummary } from '../../src/verify/run-verify.ts';
import { readOracle, type Oracle } from './oracle.ts';
import { openTempFolder } from './temp-folder.ts';

export interface SyncBench extends AsyncDisposable {
  /** Holds the state file, and the local store where one is used. */
  readonly folder: string;
  readonly stateFile: string;
  readonly server: SampleServer;
  readonly traffic: SampleTraffic;
  nowMs(): number;
  /** Moves the worker's clock and that of the data. */
  setNow(nowMs: number): void;
  /** One run of the worker. Failures of windows are in the summary; throws what ends it before. */
  sync(options?: SyncOptions): Promise<SyncSummary>;
  /** Compares Langfuse, the state file and MLflow. */
  verify(
    request?: Partial<VerifyRequest>,
    options?: Pick<SyncOptions, 'env'>,
  ): Promise<VerifySummary>;
  /** Holds Langfuse's own counts against the state file. */
  verifyCounts(
    request?: Partial<Pick<VerifyRequest, 'fromMs' | 'toMs'>>,
    options?: Pick<SyncOptions, 'env'>,
  ): Promise<CountsSummary>;
  /** Rebuilds the state file from MLflow. */
  recover(
    options?: Pick<SyncOptions, 'env'> & { readonly sinceMs?: number },
  ): Promise<RecoverSummary>;
  /** Counts what the sample server shows now over HTTP. */
  oracle(api?: 'v1' | 'v2'): Promise<Oracle>;
  /** Reads the state file. */
  query<Row>(sql: string, ...values: readonly (string | number)[]): Row[];
}

export interface SyncOptions {
  readonly request?: SyncRequest;
  /** Environment settings of this run alone. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface SyncBenchOptions {
  readonly traffic: SampleTraffic;
  readonly nowMs: number;
  /** Default: the local store in the bench's folder. */
  readonly trackingUri?: string;
  readonly experimentName?: string;
  readonly server?: Partial<SampleServerOptions>;
  readonly env?: Readonly<Record<string, string>>;
}

export async function openSyncBench(options: SyncBenchOptions): Promise<SyncBench> {
  const { traffic } = options;
  const folder = openTempFolder();
  const stateFile = join(folder.path, 'langfuse-mlflow.db');
  const clock = createBenchClock(options.nowMs);
  // The worker compares its clock with the `Date` of Langfuse: both tell the bench's time.
  const server = await startSampleServer({
    traffic,
    nowMs: options.nowMs,
    clock,
    dateSkewMs: 0,
    ...options.server,
  });
  const never = new AbortController().signal;
  const benchEnv = {
    LANGFUSE_BASE_URL: server.url,
    LANGFUSE_PUBLIC_KEY: server.keys.publicKey,
    LANGFUSE_SECRET_KEY: server.keys.secretKey,
    MLFLOW_TRACKING_URI: options.trackingUri ?? toLocalUri(folder.path),
    SYNC_START: new Date(traffic.startMs).toISOString(),
    SYNC_STATE_FILE: stateFile,
    ...(options.experimentName === undefined
      ? {}
      : { MLFLOW_EXPERIMENT_NAME: options.experimentName }),
    ...options.env,
  };

  /** Opens everything anew, as each command does. */
  async function open<T>(
    command: CommandName,
    env: Readonly<Record<string, string>> | undefined,
    work: (parts: SyncParts) => Promise<T>,
  ): Promise<T> {
    using checks = openMeasureChecks();
    const { settings, secrets } = parseSettings({
      command,
      flags: {},
      env: { ...benchEnv, ...env },
      readFile: (path) => readFileSync(path, 'utf8'),
      now: clock.now(),
      measureChecks: checks.checks,
    });
    const around = { settings, secrets, clock, signal: never, onNotice: () => undefined };
    const source = await openConfiguredSource(around);
    await using target = await openConfiguredTarget(around);
    using state = openConfiguredState(settings);
    return await work({
      state,
      source,
      target,
      settings: toSyncSettings(settings, secrets),
      clock,
      report: () => undefined,
      signal: never,
      holder: 'test',
    });
  }

  return {
    folder: folder.path,
    stateFile,
    server,
    traffic,
    nowMs: () => clock.now(),
    setNow(nowMs) {
      clock.set(nowMs);
      server.setNow(nowMs);
    },
    sync(run = {}) {
      const request: SyncRequest = run.request ?? { kind: 'sync' };
      return open(request.kind === 'sync' ? 'sync' : 'backfill', run.env, (parts) =>
        runSync(parts, request),
      );
    },
    verify: (request = {}, run = {}) =>
      open('verify', run.env, (parts) =>
        runVerify(parts, { fromMs: null, toMs: null, isRepair: false, ...request }),
      ),
    verifyCounts: (request = {}, run = {}) =>
      open('verify', run.env, (parts) =>
        runVerifyCounts(parts, { fromMs: null, toMs: null, ...request }),
      ),
    recover: (run = {}) =>
      open('recover', run.env, (parts) => recoverState(parts, { sinceMs: run.sinceMs ?? null })),
    oracle: (api = 'v2') =>
      readOracle({
        url: server.url,
        ...server.keys,
        fromMs: traffic.startMs,
        toMs: clock.now(),
        api,
      }),
    query<Row>(sql: string, ...values: readonly (string | number)[]) {
      const db = new Database(stateFile, { readonly: true });
      try {
        return db.prepare(sql).all(...values) as Row[];
      } finally {
        db.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      folder[Symbol.dispose]();
    },
  };
}

/** MLflow's own default store in a folder. */
export const toLocalUri = (folder: string): string => `sqlite:///${join(folder, 'mlflow.db')}`;

/**
 * Time passes as it does, from the instant that was set. Sleeping takes no time and moves none: a lease, which is
 * renewed by a real timer, would run out in a leap.
 */
function createBenchClock(startMs: number): Clock & { set(nowMs: number): void } {
  let shiftMs = startMs - Date.now();
  return {
    now: () => toInstant(Date.now() + shiftMs),
    set(nowMs) {
      shiftMs = nowMs - Date.now();
    },
    sleep(_ms, signal) {
      signal?.throwIfAborted();
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}
