import { isAlias, isMap, isScalar, visit, type Scalar } from 'yaml';
import type { ConfigFile } from './read-includes.ts';
import { callbackLists, isMlflowCallback, toList, toLitellmSettings } from './callbacks.ts';
import { findPair, rangeOf, toKeyText, type ConfigDocument } from './config-document.ts';

export type FindingCode =
  | 'settings_nested'
  | 'settings_missing'
  | 'config_in_bucket'
  | 'include_address'
  | 'include_missing'
  | 'include_invalid'
  | 'settings_replaced'
  | 'langfuse_otel_active'
  | 'double_logging'
  | 'mlflow_callback'
  | 'keys_redacted'
  | 'messages_off'
  | 'user_agent_off'
  | 'sampled'
  | 'literal_secret';

/** What is wrong or worth knowing in a config, as it was read; it is told, never changed. Holds no secret. */
export interface Finding {
  readonly code: FindingCode;
  /**
   * A trap makes numbers wrong, or calls go missing, or leaks a key: nobody means it. A note may well be meant, or
   * is mended by the edit itself.
   */
  readonly kind: 'trap' | 'note';
  /** Path of the file that it is in. */
  readonly file: string;
  /** From 1; null where the file as a whole is meant. */
  readonly line: number | null;
  readonly message: string;
  readonly next: string;
}

type LocalFinding = Omit<Finding, 'file'>;

/**
 * Those of one file, in the order of lines; those of the whole file first. `ownedBy` is the file whose
 * `litellm_settings` LiteLLM takes: in every other one they do nothing.
 */
export function findTraps(
  { path, config }: ConfigFile,
  found: { readonly removesMlflow: boolean; readonly ownedBy: string },
): readonly Finding[] {
  const findings =
    path === found.ownedBy
      ? [
          ...findPlace(config),
          ...findInLists(config, found.removesMlflow),
          ...findSwitches(config),
          ...findAnywhere(config),
        ]
      : [...findReplaced(config, found.ownedBy), ...findAnywhere(config)];
  return findings
    .sort((one, other) => (one.line ?? 0) - (other.line ?? 0))
    .map(({ code, kind, ...rest }) => ({ code, kind, file: path, ...rest }));
}

function findReplaced(config: ConfigDocument, ownedBy: string): LocalFinding[] {
  if (Object.keys(toLitellmSettings(config.data)).length === 0) return [];
  return [
    {
      code: 'settings_replaced',
      kind: 'trap',
      line: lineOf(config, ['litellm_settings']),
      message: `This litellm_settings does nothing: LiteLLM takes that of ${ownedBy}, which is included after it, in its place.`,
      next: 'Put all of them into one file.',
    },
  ];
}

function findPlace(config: ConfigDocument): LocalFinding[] {
  const findings: LocalFinding[] = [];
  if (config.data['litellm_settings'] === undefined) {
    findings.push({
      code: 'settings_missing',
      kind: 'note',
      line: null,
      message: 'There was no litellm_settings at the top level, so LiteLLM had no callback.',
      next: 'It is added at the end of the file.',
    });
  }
  return findings;
}

function findInLists(config: ConfigDocument, removesMlflow: boolean): LocalFinding[] {
  const settings = toLitellmSettings(config.data);
  const findings: LocalFinding[] = [];
  const listsWith = (isMeant: (name: unknown) => boolean): readonly string[] =>
    callbackLists.filter((key) => toList(settings[key]).some(isMeant));
  const withOtel = listsWith((name) => name === 'langfuse_otel');
  const withLangfuse = listsWith((name) => name === 'langfuse');
  const [otel] = withOtel;
  if (otel !== undefined) {
    findings.push({
      code: 'langfuse_otel_active',
      kind: 'note',
      line: lineOf(config, ['litellm_settings', otel]),
      message: `langfuse_otel is in ${withOtel.join(', ')}: it sends calls to Langfuse already, so langfuse is not added.`,
      next: 'Keep it, or take it out and run this command again; never use both.',
    });
  }
  const isTwice = withLangfuse.includes('callbacks') && withLangfuse.length > 1;
  const [list] = withLangfuse;
  if (list !== undefined && (isTwice || otel !== undefined)) {
    findings.push({
      code: 'double_logging',
      kind: 'trap',
      line: lineOf(config, ['litellm_settings', list]),
      message: `langfuse is in ${withLangfuse.join(', ')}${otel === undefined ? '' : ' beside langfuse_otel'}: each call may be twice in Langfuse, and count twice.`,
      next:
        otel === undefined
          ? 'Keep it either in callbacks, or in success_callback and failure_callback.'
          : 'Take one of the two out.',
    });
  }
  for (const key of removesMlflow ? [] : listsWith(isMlflowCallback)) {
    const names = toList(settings[key]).filter(isMlflowCallback).map(String);
    findings.push({
      code: 'mlflow_callback',
      kind: 'note',
      line: lineOf(config, ['litellm_settings', key]),
      message: `${key} still has ${names.join(', ')}: LiteLLM writes to MLflow by itself, beside this worker.`,
      next: 'Run this command with --remove-mlflow to take it out.',
    });
  }
  return findings;
}

const switches = [
  [
    'redact_user_api_key_info',
    'keys_redacted',
    'no call tells its key, user or team, so nothing can be counted by them.',
    'Set it to false if you want those numbers.',
  ],
  [
    'turn_off_message_logging',
    'messages_off',
    'Langfuse gets no prompts and answers, so there are no transcripts; all numbers stay.',
    'Nothing to do if that is meant.',
  ],
  [
    'disable_add_user_agent_to_request_tags',
    'user_agent_off',
    'calls do not tell the tool that made them, so nothing can be counted by tool.',
    'Set it to false if you want those numbers.',
  ],
] as const;

function findSwitches(config: ConfigDocument): LocalFinding[] {
  const settings = toLitellmSettings(config.data);
  return switches
    .filter(([key]) => settings[key] === true)
    .map(([key, code, effect, next]) => ({
      code,
      kind: 'note' as const,
      line: lineOf(config, ['litellm_settings', key]),
      message: `${key} is on: ${effect}`,
      next,
    }));
}

/** What may stand at any depth: settings of a team, a model's parameters, variables of the environment. */
function findAnywhere(config: ConfigDocument): LocalFinding[] {
  const findings: LocalFinding[] = [];
  const root = config.doc.contents;
  visit(config.doc, {
    Pair: (_, pair, path) => {
      const key = toKeyText(pair.key);
      const line = config.lineAt(rangeOf(pair.key)[0]);
      if (key === 'litellm_settings' && path.at(-1) !== root) {
        findings.push({
          code: 'settings_nested',
          kind: 'trap',
          line,
          message: 'This litellm_settings stands inside another setting, where LiteLLM ignores it.',
          next: 'Move what is in it to litellm_settings at the top level, without indentation.',
        });
      }
      if (key === 'LANGFUSE_SAMPLE_RATE') {
        findings.push({
          code: 'sampled',
          kind: 'trap',
          line,
          message: 'LANGFUSE_SAMPLE_RATE is set: Langfuse may get only a part of all calls.',
          next: 'Take it out, or read every total as that of a sample.',
        });
      }
      const value = isAlias(pair.value) ? pair.value.resolve(config.doc) : pair.value;
      if (key !== null && isScalar(value) && isLiteralSecret(key, value)) {
        findings.push({
          code: 'literal_secret',
          kind: 'trap',
          line,
          message: `${key} stands in the file itself.`,
          next: `Put it into the environment and write os.environ/${key.toUpperCase()}; it was readable to all who could read this file, so consider a new key.`,
        });
      }
    },
  });
  return findings;
}

function isLiteralSecret(key: string, { value }: Scalar): boolean {
  if (typeof value !== 'string' || value === '' || value.startsWith('os.environ/')) return false;
  return /^langfuse_secret(_key)?$/i.test(key) || value.startsWith('sk-lf-');
}

/** Line of the key at a path; that of the nearest mapping where it came by a merge. */
function lineOf(config: ConfigDocument, path: readonly string[]): number | null {
  let map: unknown = config.root;
  let line: number | null = null;
  for (const name of path) {
    const pair = isMap(map) ? findPair(map, name) : null;
    if (pair === null) return line;
    line = config.lineAt(rangeOf(pair.key)[0]);
    map = pair.value;
  }
  return line;
}
