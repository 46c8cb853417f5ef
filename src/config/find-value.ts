import { toFlagKey, type AnySetting } from './setting.ts';

/** Where values come from, the strongest first. */
export interface ValueSources {
  /** As commander gives them: `langfuseBaseUrl` for `--langfuse-base-url`. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The real environment, then the file of `--env-file`. */
  readonly environments: readonly Readonly<Record<string, string | undefined>>[];
  /** The text of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
}

/** `from` is the environment name or flag that it was found under. */
export type Finding =
  | { readonly kind: 'found'; readonly from: string; readonly text: string }
  | { readonly kind: 'unset' }
  | { readonly kind: 'problem'; readonly from: string; readonly reason: string };

/**
 * Looks one setting up: the flag, then each environment under each name. An empty value is no value.
 * `NAME_FILE` stands for the text of that file without the line break at its end.
 */
export function findValue(setting: AnySetting, sources: ValueSources): Finding {
  const flag = setting.isSecret ? setting.fileFlag : setting.flag;
  const flagValue = toText(sources.flags[toFlagKey(flag)]);
  if (flagValue !== '') {
    return setting.isSecret
      ? readValueFile({ from: flag, path: flagValue, sources })
      : { kind: 'found', from: flag, text: flagValue };
  }
  for (const environment of sources.environments) {
    const finding = findInEnvironment(setting, { environment, sources });
    if (finding.kind !== 'unset') return finding;
  }
  return { kind: 'unset' };
}

function findInEnvironment(
  setting: AnySetting,
  {
    environment,
    sources,
  }: { environment: Readonly<Record<string, string | undefined>>; sources: ValueSources },
): Finding {
  for (const name of setting.env) {
    const text = environment[name] ?? '';
    const fileName = `${name}_FILE`;
    const path = setting.fromFile ? (environment[fileName] ?? '').trim() : '';
    if (text.trim() !== '' && path !== '') {
      return { kind: 'problem', from: name, reason: `is set together with ${fileName}; keep one` };
    }
    if (path !== '') return readValueFile({ from: fileName, path, sources });
    if (text.trim() !== '') return { kind: 'found', from: name, text };
  }
  return { kind: 'unset' };
}

function readValueFile({
  from,
  path,
  sources,
}: {
  from: string;
  path: string;
  sources: ValueSources;
}): Finding {
  let content: string;
  try {
    content = sources.readFile(path);
  } catch (error) {
    return { kind: 'problem', from, reason: `names ${path}, ${toReadFailure(error)}` };
  }
  const text = content.replace(/\r?\n$/, '');
  if (text.trim() === '') return { kind: 'problem', from, reason: `names ${path}, which is empty` };
  return { kind: 'found', from, text };
}

/** `which cannot be read (ENOENT)`, without the message of the system that may repeat more than the path. */
export function toReadFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault';
  return `which cannot be read (${code})`;
}

function toText(flagValue: unknown): string {
  if (typeof flagValue === 'boolean') return String(flagValue);
  return typeof flagValue === 'string' ? flagValue.trim() : '';
}
