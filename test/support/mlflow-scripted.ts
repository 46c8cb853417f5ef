/** A target on a server that answers by a script, for tests of what no real MLflow can be told to do. */
import { afterEach, beforeEach } from 'vitest';
import type { RestSettings } from '../../src/mlflow/rest-settings.ts';
import { openRestTarget } from '../../src/mlflow/rest-target.ts';
import type { Target } from '../../src/sync/ports.ts';
import { createPatientClock, type PatientClock } from './mlflow-clock.ts';
import { startMlflowProxy, type MlflowProxy, type ProxyAction } from './mlflow-proxy.ts';

export interface ScriptedMlflow {
  readonly server: MlflowProxy;
  readonly clock: PatientClock;
  /** What the target said of its retries. */
  readonly notices: string[];
  readonly opened: Target[];
  /** Answers /version, and everything else by `script`, one action after the other; the last one for ever. */
  readonly answer: (...script: [ProxyAction, ...ProxyAction[]]) => void;
  readonly open: (settings?: Partial<RestSettings>) => Promise<Target>;
  /** Method and path of the calls below the API, without the version that is asked for at the beginning. */
  readonly calls: () => string[];
}

/** Starts a new one before each test and stops it after; call it at the top of a file. */
export function useScriptedMlflow(): () => ScriptedMlflow {
  let current: ScriptedMlflow | null = null;
  beforeEach(async () => {
    current = createScriptedMlflow(await startMlflowProxy());
  });
  afterEach(async () => {
    for (const target of current?.opened ?? []) await target[Symbol.asyncDispose]();
    await current?.server[Symbol.asyncDispose]();
  });
  return () => {
    if (current === null) throw new Error('only inside a test');
    return current;
  };
}

function createScriptedMlflow(server: MlflowProxy): ScriptedMlflow {
  const clock = createPatientClock();
  const notices: string[] = [];
  const opened: Target[] = [];
  return {
    server,
    clock,
    notices,
    opened,
    answer(...script) {
      let step = 0;
      server.onRequest = ({ path }) => {
        if (path === '/version') return { status: 200, body: '3.17.2' };
        const action = script[Math.min(step, script.length - 1)];
        step += 1;
        return action ?? 'hang';
      };
    },
    async open(settings = {}) {
      const target = await openRestTarget({
        trackingUri: server.url,
        timeoutMs: 2000,
        maxRetries: 3,
        clock,
        random: () => 0,
        onNotice: (message) => notices.push(message),
        ...settings,
      });
      opened.push(target);
      return target;
    },
    calls: () =>
      server.seen
        .filter(({ path }) => path !== '/version')
        .map(({ method, path }) => `${method} ${path}`),
  };
}

export function json(body: unknown, status = 200): ProxyAction {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** A run as MLflow sends it. */
export const wireRun = {
  info: {
    run_id: 'abc',
    run_name: 'r',
    start_time: 5,
    artifact_uri: 'mlflow-artifacts:/1/abc/artifacts',
  },
  data: {},
} as const;
