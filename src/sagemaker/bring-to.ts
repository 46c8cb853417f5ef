import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { ControlPlane } from './control-plane.ts';
import { isPassing, type ManagedMlflow } from './managed-mlflow.ts';

export interface BringSettings {
  readonly plane: ControlPlane;
  readonly name: string;
  /** False: ask, and look no further. */
  readonly waits: boolean;
  readonly pollMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each status that is waited on, with the time that has passed. */
  readonly onStatus: (status: string, elapsedMs: number) => void;
}

export interface Brought {
  readonly server: ManagedMlflow;
  /** False where it was so already, or on its way there. */
  readonly asked: boolean;
}

type Goal = 'running' | 'stopped';

const goals = {
  running: { onTheWay: ['Starting', 'Creating'], failed: 'StartFailed', verb: 'started' },
  stopped: { onTheWay: ['Stopping'], failed: 'StopFailed', verb: 'stopped' },
} as const;

/**
 * Starts or stops a tracking server, once, and waits for it where it is told to.
 *
 * There are no waiters in AWS's SDK for this. Throws SAGEMAKER_FAILED as soon as the server has failed,
 * SAGEMAKER_CONFLICT where it is in between and is not waited for, and when the time is over.
 */
export async function bringTo(goal: Goal, settings: BringSettings): Promise<Brought> {
  const { plane, name, waits, clock, signal } = settings;
  const { onTheWay, failed, verb } = goals[goal];
  const beganMs = clock.now();
  let asked = false;
  for (;;) {
    const server = await plane.describe({ kind: 'tracking-server', name });
    const { status } = server;
    const isThere = goal === 'running' ? server.isUsable : status === 'Stopped';
    if (isThere) return { server, asked };
    const isOnTheWay = (onTheWay as readonly string[]).includes(status);
    if (isOnTheWay && !waits) return { server, asked };
    if (!isPassing(status)) {
      const isLost = status === 'CreateFailed' || status === 'DeleteFailed';
      if (isLost || (asked && status === failed)) throw toFailed(server);
      if (!asked) {
        asked = await ask(goal, settings);
        if (asked && !waits)
          return { server: await plane.describe({ kind: 'tracking-server', name }), asked };
      }
    } else if (!waits) {
      throw new AppError(
        'SAGEMAKER_CONFLICT',
        `The tracking server ${name} is in status ${status} and cannot be ${verb} before that has ended.`,
        { hint: 'Run again with --wait to wait for it, or later.' },
      );
    }
    const elapsedMs = clock.now() - beganMs;
    if (elapsedMs + settings.pollMs > settings.timeoutMs) {
      throw new AppError(
        'SAGEMAKER_CONFLICT',
        `The tracking server ${name} is in status ${status} after ${Math.round(elapsedMs / 60_000)} minutes; it was waited for no longer.`,
        {
          hint: 'It goes on by itself: look with `langfuse-mlflow tracking-server info`, or wait longer with --timeout. AWS support helps where it has been so for hours.',
        },
      );
    }
    settings.onStatus(status, elapsedMs);
    await clock.sleep(settings.pollMs, signal);
  }
}

/** False where the status has changed since it was looked at; the next look decides then. */
async function ask(goal: Goal, { plane, name, waits }: BringSettings): Promise<boolean> {
  try {
    await (goal === 'running' ? plane.start(name) : plane.stop(name));
    return true;
  } catch (error) {
    if (waits && error instanceof AppError && error.code === 'SAGEMAKER_CONFLICT') return false;
    throw error;
  }
}

function toFailed(server: ManagedMlflow): AppError {
  return new AppError(
    'SAGEMAKER_FAILED',
    `The tracking server ${server.name} is in status ${server.status}; AWS gives no reason. Likely: its role ${server.roleArn ?? '(unknown)'} is missing or may not use ${server.artifactStore ?? 'its bucket'}, or a quota of the account is used up.`,
  );
}
