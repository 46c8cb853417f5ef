/** Settings of a target on an MLflow server; MLflow's own environment names are given in messages. */
import { readFile } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import type { Proxies } from '../shared/proxies.ts';
import type { RetryPolicy } from './rest-retry.ts';

export interface RestSettings {
  /** http(s) URL; credentials in it are used when none are given here. */
  readonly trackingUri: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Sent as `X-MLFLOW-WORKSPACE` (MLflow 3.10 with workspaces). */
  readonly workspace?: string | undefined;
  readonly insecureTls?: boolean | undefined;
  /** PEM file of the certificate authorities to trust instead of the system's. */
  readonly serverCertPath?: string | undefined;
  /** PEM file with the client's certificate and its key. */
  readonly clientCertPath?: string | undefined;
  /** Proxies that calls go through; absent for none. */
  readonly proxies?: Proxies | undefined;
  /** Of one attempt, answer included; uploads get more by their size. */
  readonly timeoutMs: number;
  /** Repeats of a call after its first attempt. */
  readonly maxRetries: number;
  /** Calls in flight at once, 4 by default: an MLflow server is bound by its CPU. */
  readonly concurrency?: number | undefined;
  /** Requests begun in a second, at most; null for as many as the kind of server takes. */
  readonly requestsPerSecond?: number | null | undefined;
  readonly clock: Clock;
  /** For the jitter of waiting times, in `[0, 1)`. */
  readonly random?: (() => number) | undefined;
  /** Ends every call and wait with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each retry. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Told of each attempt of a request: its HTTP status, null where no answer came. */
  readonly onCall?: ((status: number | null) => void) | undefined;
}

export const defaultConcurrency = 4;

export function toRetryPolicy(settings: RestSettings): RetryPolicy {
  return {
    maxRetries: settings.maxRetries,
    clock: settings.clock,
    random: settings.random ?? randomFraction,
    signal: settings.signal,
    onNotice: settings.onNotice ?? (() => undefined),
  };
}

function randomFraction(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

export interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** TLS options by MLflow's rules. Throws SETTINGS_INVALID on a file that can't be read or settings that exclude each other. */
export async function readTlsOptions(settings: RestSettings): Promise<TlsOptions> {
  if (settings.insecureTls === true && settings.serverCertPath !== undefined) {
    throw new AppError(
      'SETTINGS_INVALID',
      'MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH exclude each other; set one of them.',
    );
  }
  const ca = await readPem('MLFLOW_TRACKING_SERVER_CERT_PATH', settings.serverCertPath);
  const client = await readPem('MLFLOW_TRACKING_CLIENT_CERT_PATH', settings.clientCertPath);
  return {
    ...(settings.insecureTls === true ? { rejectUnauthorized: false } : {}),
    ...(ca === null ? {} : { ca }),
    ...(client === null ? {} : { cert: client, key: client }),
  };
}

async function readPem(setting: string, path: string | undefined): Promise<Buffer | null> {
  if (path === undefined) return null;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError('SETTINGS_INVALID', `${setting} names a file that can't be read: ${path}.`, {
      cause,
    });
  }
}
