import { findConfiguredTarget, findManagedByName, openConfiguredControlPlane } from '../app-aws.ts';
import { parseTrackingUri, type FoundTrackingUri } from '../config/parse-tracking-uri.ts';
import { durationBetween } from '../config/parse-duration.ts';
import { toVisibleText } from '../report/visible-text.ts';
import { bringTo, type BringSettings } from '../sagemaker/bring-to.ts';
import { toManagedRef, type ManagedMlflow, type ManagedRef } from '../sagemaker/managed-mlflow.ts';
import { AppError, ExitCode } from '../shared/errors.ts';
import { renderEnv, renderInfo, toInfoJson } from './render-tracking-server.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings, type CommandResult, type CommandRun } from './with-settings.ts';

interface Flags {
  readonly env: boolean;
  readonly wait: boolean;
  readonly poll: string;
  readonly timeout: string;
  readonly expiresIn: string;
  readonly session: string;
}

/** `langfuse-mlflow tracking-server info|start|stop|restart|url [name or ARN]` */
export async function runTrackingServerCommand(
  around: CliSurroundings,
  given: Readonly<Record<string, unknown>>,
  [action = 'info', asked]: readonly string[],
): Promise<void> {
  const { env, wait, poll, timeout, expiresIn, session, ...settingFlags } = given;
  const flags = { env, wait, poll, timeout, expiresIn, session } as Flags;
  await withSettings(around, { name: 'tracking-server', flags: settingFlags }, async (command) => {
    const life = {
      expiresInSeconds: wholeBetween('--expires-in', flags.expiresIn, 5, 300),
      sessionSeconds: wholeBetween('--session', flags.session, 1800, 43_200),
    };
    const pollMs = 1000 * wholeBetween('--poll', flags.poll, 1, 300);
    const timeoutMs = toTimeout(flags.timeout);
    const uri = await findAsked(command, asked);
    using plane = await openConfiguredControlPlane(command, uri.region);
    const found = await plane.describe(toManagedRef(uri));
    if (action === 'info') return toInfo(found, flags.env);
    if (action === 'url') {
      const ref: ManagedRef =
        found.kind === 'app'
          ? { kind: 'app', arn: found.arn }
          : { kind: 'tracking-server', name: found.name };
      const url = await plane.presignedUrl(ref, life);
      around.stderr.write(
        `This link is a secret: it signs in whoever opens it, once, within ${life.expiresInSeconds} s; the session lasts ${life.sessionSeconds} s.\nIt is for a browser, and no tracking URI: MLFLOW_TRACKING_URI is ${found.arn}\n`,
      );
      return {
        exitCode: ExitCode.done,
        text: `${url}\n`,
        json: {
          url,
          expires_in_seconds: life.expiresInSeconds,
          session_seconds: life.sessionSeconds,
        },
      };
    }
    if (found.kind === 'app') {
      throw new AppError('USAGE', `${found.name} is an MLflow App: it has no ${action}.`, {
        hint: 'An App costs nothing while nobody uses it, and is ready by itself; use `info` and `url`.',
      });
    }
    return runPower(action, {
      plane,
      name: found.name,
      waits: flags.wait,
      pollMs,
      timeoutMs,
      clock: command.clock,
      signal: command.signal,
      onStatus: (status, elapsedMs) => {
        if (around.isJson) return;
        around.stderr.write(
          toVisibleText(`${found.name}: ${status} after ${Math.round(elapsedMs / 1000)} s\n`),
        );
      },
    });
  });
}

async function runPower(action: string, settings: BringSettings): Promise<CommandResult> {
  if (action === 'restart') {
    // Only a server that has stopped can be started: the stop is always waited for.
    await bringTo('stopped', { ...settings, waits: true });
  }
  const goal = action === 'stop' ? 'stopped' : 'running';
  const { server, asked } = await bringTo(goal, settings);
  const already = asked ? '' : ' already, nothing was asked for';
  return {
    exitCode: ExitCode.done,
    text: toVisibleText(`${server.name} is in status ${server.status}${already}\n`),
    json: { ...toInfoJson(server), asked },
  };
}

function toInfo(found: ManagedMlflow, asEnv: boolean): CommandResult {
  return {
    exitCode: ExitCode.done,
    text: asEnv ? renderEnv(found) : renderInfo(found),
    json: toInfoJson(found),
  };
}

/** The one that the argument names, by ARN or name, else that of the settings. */
async function findAsked(command: CommandRun, asked: string | undefined): Promise<ManagedUri> {
  if (asked?.startsWith('arn:') === true) return toManagedUri(parseTrackingUri(asked));
  if (asked !== undefined) {
    const { arn } = await findManagedByName(command, asked);
    return toManagedUri(parseTrackingUri(arn));
  }
  return toManagedUri(await findConfiguredTarget(command));
}

type ManagedUri = Extract<FoundTrackingUri, { readonly kind: 'sagemaker' }>;

function toManagedUri(uri: FoundTrackingUri): ManagedUri {
  if (uri.kind === 'sagemaker') return uri;
  throw new AppError('SETTINGS_INVALID', 'No managed MLflow is named.', {
    hint: 'Give its name or ARN, or set MLFLOW_TRACKING_SERVER_NAME, or MLFLOW_TRACKING_URI to its ARN.',
  });
}

function wholeBetween(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new AppError(
    'USAGE',
    `${flag} must be a whole number of seconds from ${min} to ${max} (not ${text}).`,
  );
}

function toTimeout(text: string): number {
  try {
    return durationBetween('1s', '40m')(text);
  } catch (error) {
    throw new AppError('USAGE', `--timeout must be a duration from 1s to 40m (not ${text}).`, {
      cause: error,
    });
  }
}
