import { existsSync, rmSync } from 'node:fs';
import { sampleModels } from '../demo/sample-models.ts';
import type { Clock } from '../shared/clock.ts';
import { rewordError, toAppError, type AppError, type ErrorCode } from '../shared/errors.ts';
import { toInstant, toIso } from '../shared/time.ts';
import type { SyncSummary } from '../sync/run-sync.ts';
import type { CliSurroundings } from './surroundings.ts';
import { walkWindows } from './walk-windows.ts';
import { withSettings, type CommandRun } from './with-settings.ts';

/** How long after the end of the traffic the demo's night is. */
const nightMs = 2.5 * 3_600_000;

const stateFile = 'langfuse-mlflow-demo.db';

/**
 * `langfuse-mlflow demo`: the main job on sample traffic. Time is that of the sample's last night, so that
 * each run reads the same windows and writes the same runs.
 */
export async function runDemoCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { createSampleTraffic } = await import('../demo/traffic.ts');
  const { startSampleServer } = await import('../demo/sample-server.ts');
  const traffic = createSampleTraffic();
  const nowMs = traffic.endMs + nightMs;
  const aliases = sampleAliases();
  await using server = await startSampleServer({
    traffic,
    nowMs,
    // Its `Date` header tells the same night as the worker's clock.
    dateSkewMs: nowMs - around.clock.now(),
  });
  const env = {
    ...withoutOwnSettings(around.env),
    LANGFUSE_BASE_URL: server.url,
    LANGFUSE_PUBLIC_KEY: server.keys.publicKey,
    LANGFUSE_SECRET_KEY: server.keys.secretKey,
    SYNC_STATE_FILE: stateFile,
    // The sample Langfuse is this process.
    NO_PROXY: `${around.env['NO_PROXY'] ?? around.env['no_proxy'] ?? ''},127.0.0.1`,
    SYNC_START: toIso(traffic.startMs),
    SYNC_MODEL_ALIASES: JSON.stringify(Object.fromEntries(aliases)),
  };
  const demo = { ...around, env, clock: shiftClock(around.clock, nowMs) };
  await withSettings(demo, { name: 'demo', flags }, async (configured) => {
    const command = withoutBackup(configured);
    const { trackingUri } = command.settings.mlflow;
    const isLocal = trackingUri.kind === 'local';
    // Without the file that it tells of, the demo's state would keep everything from being written again.
    if (isLocal && !existsSync(trackingUri.path)) removeState();
    try {
      const result = await walkWindows(isLocal ? command : apartFromReal(command), {
        kind: 'sync',
      });
      if (result.exitCode !== 0) return result;
      return {
        ...result,
        text: [result.text, ...toNotes(result.summary, aliases), howToLook(command)].join('\n'),
      };
    } catch (error) {
      throw withDemoHint(toAppError(error));
    }
  });
}

/**
 * Names under which the gateway logs a model in one row and its group's name in another, to the group's: those
 * that no rule about provider prefixes can join.
 */
export function sampleAliases(): readonly (readonly [from: string, to: string])[] {
  return sampleModels
    .filter(({ raw, group }) => !raw.includes(group))
    .map(({ raw, group }) => [raw, group]);
}

function toNotes(summary: SyncSummary, aliases: ReturnType<typeof sampleAliases>): string[] {
  const names = aliases.map(([from, to]) => `${from} is counted as ${to}`).join(', ');
  const again = `Again     the demo was here before: its last ${summary.windowsPlanned} days were read again for late rows, and the table is of those`;
  return [
    `Names     ${names}: SYNC_MODEL_ALIASES joins names of one model`,
    ...(summary.windowsChanged === 0 ? [again] : []),
    '',
  ];
}

function howToLook(command: CommandRun): string {
  const { trackingUri, experimentName } = command.settings.mlflow;
  const start =
    trackingUri.kind === 'local'
      ? [
          'Look at it in MLflow (pip install mlflow, any version from 3.7 on, in this folder):',
          '',
          `  mlflow ui${trackingUri.path === 'mlflow.db' ? '' : ` --backend-store-uri sqlite:///${trackingUri.path}`}        then http://127.0.0.1:5000, experiment ${experimentName}, "Model training" at the top left`,
        ]
      : ['Look at it in your MLflow.'];
  return [
    ...start,
    '',
    "  compare models   search runs for  tags.`langfuse_mlflow.grain` = 'model'",
    "  over time        select runs with tags.`langfuse_mlflow.grain` = 'trend' and open Charts",
    "  read a session   open a run with  tags.`langfuse_mlflow.grain` = 'session', Artifacts, transcript.md",
    '',
    'Run it again: nothing is written twice.',
    '',
  ].join('\n');
}

/** A file that --env-file names may tell of the backup of the real state, which the sample's must never replace. */
function withoutBackup(command: CommandRun): CommandRun {
  const { settings } = command;
  return { ...command, settings: { ...settings, state: { ...settings.state, backup: null } } };
}

/** On a server, sample runs stay out of the experiment that the real ones go to. */
function apartFromReal(command: CommandRun): CommandRun {
  const { settings } = command;
  const experimentName = `${settings.mlflow.experimentName}-demo`;
  return { ...command, settings: { ...settings, mlflow: { ...settings.mlflow, experimentName } } };
}

/** Next steps of the demo, where the catalogue's name settings that the demo sets by itself. */
const demoHints: Partial<Record<ErrorCode, string>> = {
  MLFLOW_STORE_UNKNOWN:
    'The file was left untouched; run the demo in an empty folder, or name another file with --mlflow-tracking-uri sqlite:///demo.db.',
  STATE_UNUSABLE: `Move ${stateFile} away, or run the demo in an empty folder.`,
  STATE_LOST:
    'An earlier demo wrote there: remove its mlflow.db and mlartifacts and run the demo again, or run it in an empty folder or with another --mlflow-experiment-name.',
  STATE_BUSY: 'Another demo is running in this folder; wait for it to end.',
  STATE_DISK: 'Run the demo in a folder that can be written and has 100 MB to spare.',
  CANCELLED: 'The demo was stopped; run it again to go on where it ended.',
};

function withDemoHint(error: AppError): AppError {
  const isOfSample = error.code.startsWith('LANGFUSE_');
  const hint = isOfSample
    ? 'The sample Langfuse of the demo failed; run the demo again, and report it when it fails again.'
    : demoHints[error.code];
  return hint === undefined ? error : rewordError(error, { hint });
}

function removeState(): void {
  for (const file of [stateFile, `${stateFile}-wal`, `${stateFile}-shm`]) {
    rmSync(file, { force: true });
  }
}

/** The demo reads its own server in its own way whatever the environment says; only the log may be set. */
function withoutOwnSettings(env: CliSurroundings['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(LANGFUSE_|SYNC_)/.test(name) || name.startsWith('SYNC_LOG_'),
    ),
  );
}

function shiftClock(clock: Clock, nowMs: number): Clock {
  const shift = nowMs - clock.now();
  return {
    now: () => toInstant(clock.now() + shift),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
