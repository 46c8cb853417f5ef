import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openLocalTarget } from '../../src/mlflow/local-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { publishedHashes, putPublication } from '../../src/store/targets.ts';
import { openExperiment, type OpenedExperiment } from '../../src/sync/open-experiment.ts';
import { openTempFolder } from '../support/temp-folder.ts';

async function open(state: State, file: string): Promise<OpenedExperiment> {
  await using target = await openLocalTarget({
    trackingUri: `sqlite:///${file}`,
    timeoutMs: 5000,
    clock: systemClock,
  });
  return openExperiment({ state, target, name: 'e', assertHeld: () => {} });
}

describe('opening the experiment', () => {
  it('forgets what was published when MLflow no longer has it', async () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const file = `${folder.path}/mlflow.db`;
    const first = await open(state, file);
    expect(first.isStartedOver).toBe(false);
    putPublication(state, {
      targetId: first.targetId,
      source: 's',
      fromMs: 0,
      hash: 'h',
      publishedMs: 1,
    });
    expect((await open(state, file)).isStartedOver).toBe(false);
    expect(publishedHashes(state, first.targetId, 's').size).toBe(1);

    rmSync(file);
    const again = await open(state, file);
    expect(again.isStartedOver).toBe(true);
    expect(again.targetId).toBe(first.targetId);
    expect(publishedHashes(state, first.targetId, 's').size).toBe(0);
  });
});
