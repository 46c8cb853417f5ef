import type { Clock } from '../shared/clock.ts';
import { toInstant, toIso } from '../shared/time.ts';
import type { CliSurroundings } from './surroundings.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { walkWindows } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** How long after the end of the traffic the demo's night is. */
const nightMs = 2.5 * 3_600_000;

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
  await using server = await startSampleServer({ traffic, nowMs });
  const env = {
    ...withoutLangfuse(around.env),
    LANGFUSE_BASE_URL: server.url,
    LANGFUSE_PUBLIC_KEY: server.keys.publicKey,
    LANGFUSE_SECRET_KEY: server.keys.secretKey,
    SYNC_STATE_FILE: 'langfuse-mlflow-demo.db',
    SYNC_START: toIso(traffic.startMs),
  };
  const demo = { ...around, env, clock: shiftClock(around.clock, nowMs) };
  await withSettings(demo, { name: 'demo', flags }, async (command) => {
    const { summary, exitCode } = await walkWindows(command, { kind: 'sync' });
    command.print(
      command.isJson
        ? `${JSON.stringify(toSummaryJson(summary, exitCode))}\n`
        : `${renderSummary(summary)}${howToLook(command.settings.mlflow.trackingUri.kind)}`,
    );
    return exitCode;
  });
}

function howToLook(kind: string): string {
  const start =
    kind === 'local'
      ? [
          'Look at it in MLflow (pip install mlflow, any version from 3.7 on, in this folder):',
          '',
          '  mlflow ui        then http://127.0.0.1:5000, experiment litellm-monitoring',
        ]
      : ['Look at it in your MLflow.'];
  return [
    '',
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

/** The demo reads its own server whatever the environment says of another. */
function withoutLangfuse(env: CliSurroundings['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(LANGFUSE_|SYNC_)/.test(name)),
  );
}

function shiftClock(clock: Clock, nowMs: number): Clock {
  const shift = nowMs - clock.now();
  return {
    now: () => toInstant(clock.now() + shift),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
