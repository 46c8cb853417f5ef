import { isMap, isScalar } from 'yaml';
import { AppError } from '../shared/errors.ts';
import {
  callbackLists,
  isMlflowCallback,
  toList,
  toLitellmSettings,
  usefulTags,
} from './callbacks.ts';
import { parseConfig, type ConfigDocument } from './config-document.ts';
import { findTraps, type Finding } from './find-traps.ts';
import {
  named,
  parseNamed,
  readIncludes,
  type ConfigFile,
  type ConfigFiles,
  type IncludedFiles,
} from './read-includes.ts';
import { isSameData } from './same-data.ts';
import { setList } from './set-list.ts';

/** What happens to one list of `litellm_settings`. */
export interface ListChange {
  readonly key: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The list that is wanted. */
  readonly values: readonly unknown[];
}

export interface UpdatePlan {
  /** Path of the file that is edited: the one whose `litellm_settings` LiteLLM takes. */
  readonly file: string;
  readonly before: string;
  /** The same text where nothing is to be done. */
  readonly text: string;
  readonly changes: readonly ListChange[];
  /** What is left to a person, with lines of the text as it was. */
  readonly findings: readonly Finding[];
  /** The same with lines of the new text, for who opens that. */
  readonly findingsAfter: readonly Finding[];
}

/**
 * Plans the edit of a LiteLLM `config.yaml` that sends all calls, failed ones too, to Langfuse. Of the files that it
 * includes one is edited in its place where that one holds the `litellm_settings` that LiteLLM takes.
 *
 * Text is only spliced in and cut out: comments, order, quoting and line ends stay. The result is parsed
 * again and must hold exactly the intended data, else GATEWAY_CONFIG_INVALID is thrown, as for a text that
 * can't be read. A plan for its own result changes nothing.
 */
export function planUpdate(
  root: { readonly path: string; readonly text: string },
  {
    removesMlflow,
    disk,
    bucket = null,
  }: {
    readonly removesMlflow: boolean;
    readonly disk: IncludedFiles;
    /** Where the proxy is told to read its config instead of a file; null for nowhere. */
    readonly bucket?: string | null;
  },
): UpdatePlan {
  const rootFile = { path: root.path, config: parseNamed(root.path, root.text) };
  const asFound = readIncludes(rootFile, disk);
  const { owner } = asFound;
  const before = owner.config.text;
  const changes = planChanges(toLitellmSettings(owner.config.data), removesMlflow);
  let text = before;
  try {
    refuseOtherShape(owner.config);
    if (changes.length > 0) text = toEdited(owner.config, changes);
  } catch (error) {
    throw named(owner.path, error);
  }
  const look = ({ files, findings: ofIncludes }: ConfigFiles): Finding[] => [
    ...(bucket === null ? [] : [toBucketFinding(root.path, bucket)]),
    ...ofIncludes,
    ...files.flatMap((file) => findTraps(file, { removesMlflow, ownedBy: owner.path })),
  ];
  const findings = look(asFound);
  const findingsAfter = [
    // The edit has mended this one; it is told all the same.
    ...findings.filter(({ code }) => code === 'settings_missing'),
    ...look(withEdited({ rootFile, owner, text, disk })),
  ];
  return {
    file: owner.path,
    before,
    text,
    changes,
    findings,
    findingsAfter: changes.length > 0 ? findingsAfter : findings,
  };
}

/** The same files with the edited one as it is afterwards: its lines have moved, those of `include` too. */
function withEdited(edit: {
  readonly rootFile: ConfigFile;
  readonly owner: ConfigFile;
  readonly text: string;
  readonly disk: IncludedFiles;
}): ConfigFiles {
  const { rootFile, owner, text, disk } = edit;
  if (owner === rootFile) {
    return readIncludes({ path: rootFile.path, config: parseConfig(text) }, disk);
  }
  return readIncludes(rootFile, {
    ...disk,
    read: (path) => (path === owner.path ? text : disk.read(path)),
  });
}

function toBucketFinding(file: string, bucket: string): Finding {
  return {
    code: 'config_in_bucket',
    kind: 'note',
    file,
    line: null,
    message: `LITELLM_CONFIG_BUCKET_NAME is set: a proxy with that reads its config, and the files it includes, from the bucket ${bucket} and not from here, and this command opens no bucket.`,
    next: 'Copy the config and what it includes here, with the same paths to each other, run this command on the copy, and put back the file that it has changed.',
  };
}

function planChanges(
  settings: Readonly<Record<string, unknown>>,
  removesMlflow: boolean,
): readonly ListChange[] {
  const hasOtel = callbackLists.some((key) => toList(settings[key]).includes('langfuse_otel'));
  const inBoth = toList(settings['callbacks']).includes('langfuse');
  const addsLangfuse = !inBoth && !hasOtel;
  const changes = callbackLists.map((key) =>
    planList(key, settings[key], {
      wanted: addsLangfuse && key !== 'callbacks' ? ['langfuse'] : [],
      isUnwanted: (value) => removesMlflow && isMlflowCallback(value),
    }),
  );
  if (!hasOtel) {
    // Who asked LiteLLM to keep the keys' owners out gets no tags of them.
    const isRedacted = settings['redact_user_api_key_info'] === true;
    changes.push(
      planList('langfuse_default_tags', settings['langfuse_default_tags'], {
        wanted: usefulTags.filter((tag) => !isRedacted || !tag.startsWith('user_api_key')),
        isUnwanted: () => false,
      }),
    );
  }
  return changes.filter((change) => change !== null);
}

function planList(
  key: string,
  current: unknown,
  plan: {
    readonly wanted: readonly string[];
    readonly isUnwanted: (value: unknown) => boolean;
  },
): ListChange | null {
  const before = toList(current);
  const removed = before.filter(plan.isUnwanted).map(String);
  const kept = before.filter((value) => !plan.isUnwanted(value));
  const added = plan.wanted.filter((value) => !kept.includes(value));
  // LiteLLM walks a bare word letter by letter.
  const isWord = typeof current === 'string' && (plan.wanted.length > 0 || removed.length > 0);
  if (removed.length === 0 && added.length === 0 && !isWord) return null;
  return { key, added, removed, values: [...kept, ...added] };
}

function refuseOtherShape({ root, data, lineAt }: ConfigDocument): void {
  const settings = data['litellm_settings'];
  if (root?.flow === true) {
    throw new AppError('GATEWAY_CONFIG_INVALID', 'The whole file is one {…} or JSON mapping.', {
      hint: 'Only a file in block style (a setting a line) is edited; write it so, or add langfuse to success_callback and failure_callback by hand.',
    });
  }
  if (settings === null || settings === undefined) return;
  if (typeof settings === 'object' && !Array.isArray(settings)) return;
  const value = root?.get('litellm_settings', true);
  const line = isScalar(value) || isMap(value) ? lineAt(value.range?.[0] ?? 0) : 1;
  throw new AppError('GATEWAY_CONFIG_INVALID', `Line ${line}: litellm_settings is no mapping.`);
}

function toEdited(before: ConfigDocument, changes: readonly ListChange[]): string {
  const settings = { ...toLitellmSettings(before.data) };
  for (const { key, values } of changes) settings[key] = values;
  const intended = { ...before.data, litellm_settings: settings };
  let edited = before.text;
  let isIntended: boolean;
  try {
    // Each new key is put above those before it.
    for (const change of changes.toReversed()) edited = setList(edited, change);
    isIntended = isSameData(parseConfig(edited).data, intended);
  } catch (error) {
    throw refusal(changes, error);
  }
  if (!isIntended) throw refusal(changes, undefined);
  return edited;
}

function refusal(changes: readonly ListChange[], cause: unknown): AppError {
  const keys = changes.map(({ key }) => key).join(', ');
  return new AppError(
    'GATEWAY_CONFIG_INVALID',
    `The edit of ${keys} would not give exactly the intended settings, so it is not made.`,
    {
      cause,
      hint: 'The file uses a form that is not edited (an alias or anchor on a list, say); set success_callback and failure_callback to lists with langfuse by hand. Nothing was written.',
    },
  );
}
