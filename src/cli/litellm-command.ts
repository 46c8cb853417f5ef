import { parseEnv } from 'node:util';
import { findConfiguredTarget } from '../app-aws.ts';
import { renderTrackingUri } from '../config/parse-tracking-uri.ts';
import { maskSecrets } from '../config/mask.ts';
import { planUpdate } from '../gateway/plan-update.ts';
import { renderDiff } from '../gateway/render-diff.ts';
import { setEnvLines } from '../gateway/set-env-lines.ts';
import { AppError, ExitCode } from '../shared/errors.ts';
import { openIncluded } from './open-included.ts';
import { renderUpdate, toUpdateJson, type EnvOutcome } from './render-update.ts';
import { readTextFile, replaceFile, replaceWithBackup, type TextFile } from './replace-file.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings } from './with-settings.ts';

interface EnvPlan extends EnvOutcome {
  readonly found: TextFile;
  readonly text: string;
}

/** `langfuse-mlflow litellm update-config FILE`: LiteLLM's side of the chain. Both files are planned before one is written. */
export async function runLitellmCommand(
  around: CliSurroundings,
  given: Readonly<Record<string, unknown>>,
  [, file = '']: readonly string[],
): Promise<void> {
  const { dryRun, check, removeMlflow, ...settingFlags } = given;
  const isCheck = check === true;
  const isDryRun = dryRun === true;
  const writes = !isDryRun && !isCheck;
  const envFile = typeof given['envFile'] === 'string' ? given['envFile'] : null;
  await withSettings(around, { name: 'litellm', flags: settingFlags }, async (command) => {
    const { settings } = command;
    const found = requireFile(
      file,
      'Give the path of the config.yaml that the LiteLLM proxy is started with (--config).',
    );
    const disk = openIncluded(file);
    const plan = planUpdate(
      { path: file, text: found.text },
      {
        removesMlflow: removeMlflow === true,
        disk,
        bucket: around.env['LITELLM_CONFIG_BUCKET_NAME'] || null,
      },
    );
    const edited = plan.file === file ? found : disk.opened(plan.file);
    const env =
      envFile === null
        ? null
        : planEnv(envFile, {
            MLFLOW_TRACKING_URI: renderTrackingUri(await findConfiguredTarget(command)),
            MLFLOW_EXPERIMENT_NAME: settings.mlflow.experimentName,
          });
    const isChanged = plan.text !== plan.before;
    const backup = isChanged && writes ? replaceWithBackup(edited, plan.text) : null;
    if (env?.isChanged === true && writes) replaceFile(env.found, env.text);
    const diff = isDryRun ? renderDiff(plan.file, { before: plan.before, after: plan.text }) : '';
    const findings = writes ? plan.findingsAfter : plan.findings;
    const isDue = isChanged || env?.isChanged === true;
    const traps = findings.filter(({ kind }) => kind === 'trap').length;
    const outcome = {
      file,
      edited: plan.file,
      isDryRun: !writes,
      check: isCheck ? { isDue, traps } : null,
      plan,
      findings,
      diff: maskSecrets(diff, [...around.secrets]),
      backup,
      env,
    };
    return {
      exitCode: isCheck && (isDue || traps > 0) ? ExitCode.behind : ExitCode.done,
      text: renderUpdate(outcome),
      json: toUpdateJson(outcome),
    };
  });
}

function planEnv(file: string, values: Readonly<Record<string, string>>): EnvPlan {
  const found = requireFile(file, 'Give a file of NAME=value lines that exists.');
  const before = found.text;
  const text = setEnvLines(before, values);
  const intended = { ...parseEnv(before), ...values };
  const held = parseEnv(text);
  const names = new Set([...Object.keys(intended), ...Object.keys(held)]);
  // Lines inside a quoted value of several lines look like settings, too.
  const wrong = [...names].filter((name) => held[name] !== intended[name]);
  if (wrong.length > 0) {
    throw new AppError(
      'GATEWAY_CONFIG_INVALID',
      `${file}: setting ${Object.keys(values).join(' and ')} would change ${wrong.join(', ')} in an unintended way.`,
      { hint: 'Set the two lines by hand; nothing was written.' },
    );
  }
  return { file, isChanged: text !== before, values, found, text };
}

function requireFile(name: string, hint: string): TextFile {
  const file = readTextFile(name);
  if (file === null) throw new AppError('USAGE', `${name} does not exist.`, { hint });
  return file;
}
