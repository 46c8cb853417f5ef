/** Ways in which runs are harmed in MLflow, each with what `verify` must say of it. */
import type { DamagedMlflow } from './damage.ts';
import { dayMs, tinyNightMs } from './small-traffic.ts';
import { aRunOf, firstDayMs } from './verify-place.ts';

export const harms: readonly {
  readonly name: string;
  readonly harm: (mlflow: DamagedMlflow) => Promise<string[]>;
  /** Revision that the harmed run must keep: nothing but what was wrong is written. */
  readonly keepsRevision?: boolean;
}[] = [
  {
    name: 'a tag changed and one emptied',
    keepsRevision: true,
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'model');
      await mlflow.log(run, { tags: { 'langfuse_mlflow.hash': 'x', model_provider: '' } });
      return [`changed model ${run.params['model']}: tag model_provider, tag langfuse_mlflow.hash`];
    },
  },
  {
    name: 'a run set back to running, with another end',
    keepsRevision: true,
    harm: async (mlflow) => {
      const run = await mlflow.run('window 2026-11-06');
      await mlflow.target.updateRun({ runId: run.runId, status: 'RUNNING', endMs: 5 });
      return ['changed window: status, end'];
    },
  },
  {
    name: 'a run that says it is incomplete',
    keepsRevision: true,
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'session');
      await mlflow.log(run, { tags: { 'langfuse_mlflow.complete': 'false' } });
      return [`incomplete session ${run.params['session_id']}: tag langfuse_mlflow.complete`];
    },
  },
  {
    name: 'a number retracted, and one under a name of ours that the run should not have',
    harm: async (mlflow) => {
      const run = await aRunOf(
        mlflow,
        'model',
        (one) => one.metrics['score/x/count'] === undefined,
      );
      const [step, timestampMs] = [0, 2e12];
      await mlflow.log(run, {
        metrics: [
          { key: 'requests', value: Number.NaN, step, timestampMs },
          { key: 'score/x/count', value: 3, step, timestampMs },
        ],
      });
      return [`changed model ${run.params['model']}: metric requests, metric score/x/count`];
    },
  },
  {
    name: 'a window run deleted, under which others nest',
    harm: async (mlflow) => {
      const run = await mlflow.run('window 2026-11-06');
      await mlflow.target.deleteRun(run.runId);
      return ['missing window'];
    },
  },
  {
    name: 'a second run of a key, and one that nobody described',
    keepsRevision: true,
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'model');
      const { experimentId } = mlflow;
      const create = async (tags: Record<string, string>): Promise<void> => {
        const copy = { experimentId, name: 'copy', startMs: 1, tags: {} };
        const { runId } = await mlflow.target.createRun(copy);
        await mlflow.target.logBatch({ runId, metrics: [], params: {}, tags });
      };
      const { 'mlflow.runName': _name, ...tags } = run.tags;
      await create(tags);
      await create({
        'langfuse_mlflow.key': '0'.repeat(32),
        'langfuse_mlflow.grain': 'window',
        'langfuse_mlflow.source': run.tags['langfuse_mlflow.source'] ?? '',
        'langfuse_mlflow.window': '2026-11-06',
      });
      return [`duplicate model`, `unknown window`];
    },
  },
  {
    name: 'a point of a trend edited, and one added that no window has',
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'trend');
      const step = firstDayMs / dayMs;
      const history = await mlflow.target.metricHistory(run.runId, 'requests');
      const wrong = history.find((point) => point.step === step) ?? history[0];
      await mlflow.log(run, {
        metrics: [
          { key: 'requests', value: 1e6, step: wrong?.step ?? 0, timestampMs: tinyNightMs },
          { key: 'cost_usd', value: 5, step: -3, timestampMs: tinyNightMs },
        ],
      });
      const at = new Date((wrong?.step ?? 0) * dayMs).toISOString();
      return [
        `changed trend ${run.params['model']}: point cost_usd at step -3, point requests at ${at}`,
      ];
    },
  },
  {
    name: 'a trend deleted',
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'trend');
      await mlflow.target.deleteRun(run.runId);
      return [`missing trend ${run.params['model']}`];
    },
  },
  {
    name: 'all artifacts of a session and a manifest overwritten',
    keepsRevision: true,
    harm: async (mlflow) => {
      const run = await aRunOf(mlflow, 'session');
      await mlflow.overwrite(run, 'requests.json', '{}');
      await mlflow.overwrite(run, 'transcript.md', '');
      await mlflow.overwrite(
        await mlflow.run('window 2026-11-07'),
        'manifest.json',
        '{"format":1}',
      );
      return [
        `changed session ${run.params['session_id']}: artifact requests.json, artifact transcript.md`,
        'changed window: artifact manifest.json',
      ];
    },
  },
];
