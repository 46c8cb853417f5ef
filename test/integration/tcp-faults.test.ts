/**
 * The wires to Langfuse and to MLflow are cut, stalled, delayed and truncated at chosen bytes: in a head, in a body, at
 * the very end. Whatever the disturbed sync says, the next one leaves what an undisturbed one leaves.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { createTinyTraffic, dayMs, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';
import { startTcpProxy, type ByteFault, type TcpProxy } from '../support/tcp-proxy.ts';

const cases: readonly {
  readonly side: 'langfuse' | 'mlflow';
  readonly direction: ByteFault['direction'];
  readonly action: ByteFault['action'];
  /** Share of the bytes that an undisturbed sync passes. */
  readonly at: number;
}[] = [
  { side: 'langfuse', direction: 'down', action: 'cut', at: 0.002 },
  { side: 'langfuse', direction: 'down', action: 'truncate', at: 0.31 },
  { side: 'langfuse', direction: 'down', action: 'stall', at: 0.52 },
  { side: 'langfuse', direction: 'down', action: 'truncate', at: 0.9999 },
  { side: 'langfuse', direction: 'up', action: 'cut', at: 0.64 },
  { side: 'langfuse', direction: 'down', action: 'delay', at: 0.4 },
  { side: 'mlflow', direction: 'up', action: 'cut', at: 0.05 },
  { side: 'mlflow', direction: 'up', action: 'truncate', at: 0.37 },
  { side: 'mlflow', direction: 'up', action: 'stall', at: 0.71 },
  { side: 'mlflow', direction: 'up', action: 'cut', at: 0.9999 },
  { side: 'mlflow', direction: 'down', action: 'cut', at: 0.11 },
  { side: 'mlflow', direction: 'down', action: 'truncate', at: 0.48 },
  { side: 'mlflow', direction: 'down', action: 'stall', at: 0.83 },
  { side: 'mlflow', direction: 'down', action: 'delay', at: 0.6 },
];

describeWithMlflow('wires that break at a byte', ['newest'], () => {
  let mlflow: MlflowServer;
  let api: MlflowApi;
  let bench: SyncBench;
  let wires: { readonly langfuse: TcpProxy; readonly mlflow: TcpProxy };
  let undisturbed: ApiRun[];
  let bytes: Record<'langfuse' | 'mlflow', { readonly up: number; readonly down: number }>;

  const sync = (name: string): ReturnType<SyncBench['sync']> =>
    bench.sync({
      env: {
        LANGFUSE_BASE_URL: wires.langfuse.url,
        MLFLOW_EXPERIMENT_NAME: name,
        SYNC_STATE_FILE: join(bench.folder, `${name}.db`),
        // A wire that stalls is given up soon.
        SYNC_LANGFUSE_TIMEOUT: '3s',
        MLFLOW_HTTP_REQUEST_TIMEOUT: '3',
      },
    });
  const runsOf = async (name: string): Promise<ApiRun[]> =>
    api.searchRuns(await api.findExperimentId(name));

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    api = createMlflowApi(mlflow.url);
    const toMlflow = await startTcpProxy(mlflow.url);
    bench = await openSyncBench({
      traffic: createTinyTraffic(),
      nowMs: tinyNightMs + dayMs,
      trackingUri: toMlflow.url,
    });
    wires = { mlflow: toMlflow, langfuse: await startTcpProxy(bench.server.url) };
    await sync('undisturbed');
    bytes = { langfuse: { ...wires.langfuse.passed }, mlflow: { ...wires.mlflow.passed } };
    undisturbed = await runsOf('undisturbed');
  });

  afterAll(async () => {
    await wires?.langfuse[Symbol.asyncDispose]();
    await wires?.mlflow[Symbol.asyncDispose]();
    await bench?.[Symbol.asyncDispose]();
    await mlflow?.stop();
  });

  it('are without fault at first', () => {
    expect(undisturbed.length).toBeGreaterThan(10);
    expect(undisturbed.map((run) => run.status)).not.toContain('RUNNING');
  });

  it.each(cases)(
    '$side, $direction: $action at $at leaves what no fault leaves',
    async ({ side, direction, action, at }) => {
      const name = `${side}-${direction}-${action}-${at}`;
      const atByte = Math.floor(bytes[side][direction] * at);
      wires[side].setFault({ direction, action, atByte });
      // It may get over the fault by trying again, or end with a failure that the next one makes good.
      await sync(name).catch(() => null);
      expect(wires[side].hasHappened()).toBe(true);

      wires[side].setFault(null);
      expect((await sync(name)).failed).toEqual([]);
      expect(toComparableRuns(await runsOf(name), { isSameServer: true })).toEqual(
        toComparableRuns(undisturbed, { isSameServer: true }),
      );
    },
  );
});
