import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import { hashOf } from '../../src/shared/hash.ts';
import type { ProgressEvent } from '../../src/shared/progress.ts';
import { describeExperiment } from '../../src/sync/describe-experiment.ts';
import { createMemoryMlflow, type EffectPoint } from '../support/memory-mlflow.ts';

const note = 'mlflow.note.content';
const noteHash = 'langfuse_mlflow.note';
const kind = 'mlflow.experimentKind';

async function describeWith(
  before: Readonly<Record<string, string>>,
  onEffect: (point: EffectPoint) => void = () => {},
): Promise<{
  readonly tags: Readonly<Record<string, string>>;
  readonly events: readonly ProgressEvent[];
  readonly writes: number;
}> {
  const { target, store } = createMemoryMlflow({ onEffect });
  const { experimentId } = await target.ensureExperiment('e');
  for (const [key, value] of Object.entries(before))
    store.experiments.get(experimentId)?.tags.set(key, value);
  const events: ProgressEvent[] = [];
  const report = (event: ProgressEvent): void => void events.push(event);
  const writesBefore = target.traffic.writes;
  await describeExperiment({ target, report }, await target.ensureExperiment('e'));
  const { tags } = await target.ensureExperiment('e');
  return { tags, events, writes: target.traffic.writes - writesBefore };
}

const refuse =
  (code: 'MLFLOW_AUTH' | 'MLFLOW_REJECTED' | 'MLFLOW_UNREACHABLE') =>
  (point: EffectPoint): void => {
    if (point.kind === 'experiment_tag') throw new AppError(code, 'No.');
  };

describe('the description of the experiment', () => {
  it('is written once, with the view of runs and the main number', async () => {
    const first = await describeWith({});
    expect(first.tags).toMatchObject({
      [note]: expect.stringContaining("tags.`langfuse_mlflow.grain` = 'session'"),
      [kind]: 'custom_model_development',
      'mlflow.experiment.primaryMetric.name': 'cost_usd',
      'mlflow.experiment.primaryMetric.greaterIsBetter': 'False',
    });
    const second = await describeWith(first.tags);
    expect(second).toEqual({ tags: first.tags, events: [], writes: 0 });
  });

  it('leaves what a person wrote or chose, an emptied description too', async () => {
    const { tags: own } = await describeWith({});
    for (const text of ['ours', '']) {
      const theirs = { ...own, [note]: text, [kind]: 'genai_development' };
      expect((await describeWith(theirs)).tags).toEqual(theirs);
    }
    const theirs = { [note]: 'ours', 'mlflow.experiment.primaryMetric.name': 'requests' };
    expect((await describeWith(theirs)).tags).toMatchObject(theirs);
  });

  it("puts newer words in the place of the worker's own", async () => {
    const { tags } = await describeWith({});
    const older = { ...tags, [note]: 'as it once was', [noteHash]: hashOf('as it once was') };
    expect((await describeWith(older)).tags).toEqual(tags);
  });

  it('takes a view that MLflow guessed for no choice', async () => {
    const { tags } = await describeWith({ [kind]: 'genai_development_inferred' });
    expect(tags[kind]).toBe('custom_model_development');
  });

  it('is the same after it was stopped at any tag', async () => {
    const { tags, writes } = await describeWith({});
    const entries = Object.entries(tags);
    expect(writes).toBe(entries.length);
    for (let count = 0; count < writes; count += 1) {
      const resumed = await describeWith(Object.fromEntries(entries.slice(0, count)));
      expect(resumed.tags).toEqual(tags);
    }
  });

  it.each(['MLFLOW_AUTH', 'MLFLOW_REJECTED'] as const)(
    'is done without where MLflow refuses it: %s',
    async (code) => {
      const { events, tags } = await describeWith({}, refuse(code));
      expect(events).toEqual([{ kind: 'experiment_not_described', message: 'No.' }]);
      expect(tags).toEqual({});
    },
  );

  it('fails with an MLflow that is away', async () => {
    await expect(describeWith({}, refuse('MLFLOW_UNREACHABLE'))).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
    });
  });
});
