import type { Finding } from '../gateway/find-traps.ts';
import type { UpdatePlan } from '../gateway/plan-update.ts';
import { toVisibleText } from '../report/visible-text.ts';

/** What `litellm update-config` did, or would do. */
export interface UpdateOutcome {
  /** The file that was named. */
  readonly file: string;
  /** The one whose `litellm_settings` LiteLLM takes: the same, or one that it includes. */
  readonly edited: string;
  /** Nothing was written: `--dry-run` or `--check`. */
  readonly isDryRun: boolean;
  /** With `--check`: what makes it end with 3. */
  readonly check: { readonly isDue: boolean; readonly traps: number } | null;
  readonly plan: UpdatePlan;
  /** Their lines are those of the file as it stands now. */
  readonly findings: readonly Finding[];
  /** Empty unless it is a dry run that would change something. */
  readonly diff: string;
  /** Path of the copy; null where none was made. */
  readonly backup: string | null;
  readonly env: EnvOutcome | null;
}

export interface EnvOutcome {
  readonly file: string;
  readonly isChanged: boolean;
  readonly values: Readonly<Record<string, string>>;
}

export function renderUpdate(outcome: UpdateOutcome): string {
  const { file, edited, isDryRun, check, plan, findings, diff, backup, env } = outcome;
  const lines: string[] = [];
  if (edited !== file) {
    lines.push(`${file} includes ${edited}, and LiteLLM takes the litellm_settings of that one.`);
  }
  if (plan.changes.length === 0) lines.push(`${edited}: nothing to change`);
  else lines.push(`${edited}: ${isDryRun ? 'would be changed (nothing is written)' : 'changed'}`);
  for (const { key, added, removed, values } of plan.changes) {
    const parts = [
      ...(added.length > 0 ? [`+ ${added.join(', ')}`] : []),
      ...(removed.length > 0 ? [`- ${removed.join(', ')}`] : []),
    ];
    const what =
      parts.length > 0 ? parts.join('  ') : `a list now: ${values.map(String).join(', ')}`;
    lines.push(`  ${key}: ${what}`);
  }
  if (backup !== null) lines.push(`  the file as it was: ${backup}`);
  if (plan.changes.length > 0) {
    lines.push(
      '  LiteLLM reads it when it starts: restart the proxy. Callbacks set in its Admin UI may override the file.',
    );
  }
  if (diff !== '') lines.push('', diff.trimEnd());
  if (env !== null) {
    const verb = isDryRun ? 'would be set' : 'set';
    lines.push('', env.isChanged ? `${env.file}: ${verb}` : `${env.file}: nothing to change`);
    for (const [name, value] of Object.entries(env.values)) lines.push(`  ${name}=${value}`);
  }
  for (const { code, kind, line, message, next, file: holder } of findings) {
    const place = [
      ...(holder === file ? [] : [holder]),
      ...(line === null ? [] : [`line ${line}`]),
    ];
    lines.push(
      '',
      `${[kind, place.join(' '), message].filter((part) => part !== '').join(': ')} [${code}]`,
      `  next: ${next}`,
    );
  }
  if (check !== null) lines.push('', renderCheck(check));
  return `${toVisibleText(lines.join('\n'))}\n`;
}

function renderCheck({ isDue, traps }: NonNullable<UpdateOutcome['check']>): string {
  const found = [
    ...(isDue ? ['an edit is due (run it without --check)'] : []),
    ...(traps > 0 ? [`${traps} ${traps === 1 ? 'trap is' : 'traps are'} left to you`] : []),
  ];
  return found.length === 0 ? 'check: as it should be' : `check: ${found.join(', and ')}`;
}

export function toUpdateJson(outcome: UpdateOutcome): Record<string, unknown> {
  const { file, edited, isDryRun, plan, findings, diff, backup, env } = outcome;
  return {
    file,
    edited_file: edited,
    changed: plan.changes.length > 0,
    dry_run: isDryRun,
    check:
      outcome.check === null ? null : { edit_due: outcome.check.isDue, traps: outcome.check.traps },
    backup,
    changes: plan.changes.map(({ key, added, removed, values }) => ({
      key,
      added,
      removed,
      values,
    })),
    findings,
    diff: diff === '' ? null : diff,
    env_file: env === null ? null : { file: env.file, changed: env.isChanged, values: env.values },
  };
}
