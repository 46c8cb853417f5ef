/** What the experiment tells of itself in MLflow: its description, its kind, its main number. Pure. */
import { hashOf } from '../shared/hash.ts';
import { noteHashTag, noteTag } from './tags.ts';

/**
 * Without it an MLflow since 3.5 guesses, and may open the GenAI view, which shows no run. 3.17 has a switch in the
 * browser instead (localStorage `mlflow.workflowType`), which no tag moves.
 */
const kindTag = 'mlflow.experimentKind';

const note = [
  'What the models of the LiteLLM gateway cost and how they did, from Langfuse, by `langfuse-mlflow`.',
  '',
  '| To see | Search for |',
  '|---|---|',
  "| a day, with its models and sessions below it | `` tags.`langfuse_mlflow.grain` = 'window' `` |",
  "| models, a run for each day | `` tags.`langfuse_mlflow.grain` = 'model' `` |",
  "| sessions: sort by `cost_usd`, open `transcript.md` | `` tags.`langfuse_mlflow.grain` = 'session' `` |",
  "| all models together over months: open the run, *Model metrics*, x-axis *Time (wall)* | `` attributes.run_name = 'trend all models' `` |",
  "| cost and latency of each model over months: open Charts, x-axis *Time (wall)* | `` tags.`langfuse_mlflow.grain` = 'trend' and params.model != '' `` |",
  '',
  'A missing metric is unknown, never zero. Runs are written again when Langfuse changes: edit none by hand.',
  'This text is yours to change.',
].join('\n');

/** Set where it is absent; what a person chose stays. */
const defaults: Readonly<Record<string, string>> = {
  [kindTag]: 'custom_model_development',
  'mlflow.experiment.primaryMetric.name': 'cost_usd',
  'mlflow.experiment.primaryMetric.greaterIsBetter': 'False',
};

/**
 * The tags that are still to be set on an experiment that has `stored`; none where all is as it should be. A
 * description is written once, and again in a newer version's words only while it is the worker's own. A kind that
 * MLflow guessed (`…_inferred`) is no choice of a person.
 */
export function toExperimentTagChanges(
  stored: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const changes = Object.fromEntries(
    Object.entries(defaults).filter(
      ([key]) => stored[key] === undefined || (key === kindTag && isGuessed(stored[key])),
    ),
  );
  const current = stored[noteTag];
  const written = stored[noteHashTag];
  if (current === note) {
    // A run that was stopped between the two left the text alone.
    return written === hashOf(note) ? changes : { ...changes, [noteHashTag]: hashOf(note) };
  }
  if (current !== undefined && hashOf(current) !== written) return changes;
  return { ...changes, [noteTag]: note, [noteHashTag]: hashOf(note) };
}

function isGuessed(kind: string): boolean {
  return kind.endsWith('_inferred') || kind === 'no_inferred_type' || kind === '';
}
