import { isScalar, isSeq } from 'yaml';
import { AppError, rewordError } from '../shared/errors.ts';
import { findPair, parseConfig, rangeOf, type ConfigDocument } from './config-document.ts';
import type { Finding } from './find-traps.ts';

/** Where included files are. The rule of their places is LiteLLM's, and the caller knows the disk. */
export interface IncludedFiles {
  /** Full path of an entry of `include` that the file `declaredIn` has. */
  readonly resolve: (entry: string, declaredIn: string) => string;
  /** Null where there is no such file. */
  readonly read: (path: string) => string | null;
}

export interface ConfigFile {
  readonly path: string;
  readonly config: ConfigDocument;
}

export interface ConfigFiles {
  /** In the order in which LiteLLM merges them: the file it is started with comes first. */
  readonly files: readonly [ConfigFile, ...ConfigFile[]];
  /**
   * The one whose `litellm_settings` LiteLLM takes: of all that have this key the last, whole, and even where it
   * holds nothing. The first file where none has it.
   */
  readonly owner: ConfigFile;
  /** Entries that LiteLLM would not start with. */
  readonly findings: readonly Finding[];
}

/**
 * Opens what `include` names, and what that names, as LiteLLM does: breadth first, each file once; lists at the top
 * level are joined, and every other value of a later file replaces that of an earlier one, mappings too
 * (`litellm/proxy/common_utils/config_includes.py` of 1.106; before, the same for one level).
 *
 * Throws GATEWAY_CONFIG_INVALID, with the file's path, for one that can't be read as a config.
 */
export function readIncludes(root: ConfigFile, disk: IncludedFiles): ConfigFiles {
  const files: [ConfigFile, ...ConfigFile[]] = [root];
  const findings: Finding[] = [];
  // Those that are added while it is walked are walked too.
  for (const file of files) {
    const { entries, problem } = includesOf(file);
    if (problem !== null) findings.push(problem);
    for (const { entry, line } of entries) {
      if (isAddress(entry)) {
        findings.push(toAddressFinding(entry, { file: file.path, line }));
        continue;
      }
      const path = disk.resolve(entry, file.path);
      if (files.some((known) => known.path === path)) continue;
      const text = disk.read(path);
      if (text === null) {
        findings.push({
          code: 'include_missing',
          kind: 'trap',
          file: file.path,
          line,
          message: `The included file ${entry} does not exist (${path}), and LiteLLM does not start without it.`,
          next: 'Put it there, or take it out of include. Where it exists only beside the running proxy, run this command there: a litellm_settings in it would replace this one. A proxy that reads its config from a bucket reads this file from there too: copy it to this path.',
        });
        continue;
      }
      files.push({ path, config: parseNamed(path, text) });
    }
  }
  const owner = files.findLast(({ config }) => config.data['litellm_settings'] !== undefined);
  return { files, owner: owner ?? root, findings };
}

/** Such as `s3://bucket/models.yaml`. */
const isAddress = (entry: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(entry);

/** LiteLLM joins every entry to the folder of the file, or to the prefix of the object, that names it. */
function toAddressFinding(
  entry: string,
  place: { readonly file: string; readonly line: number },
): Finding {
  // A link to an object, or to a page behind a sign-in, may hold a key.
  const shown = entry.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, '');
  return {
    code: 'include_address',
    kind: 'trap',
    ...place,
    message: `include names the address ${shown}, which is not followed: LiteLLM takes it for the name of a file beside this one, does not find it and does not start.`,
    next: 'Put the file beside this one and name it by its path. In a config that the proxy reads from a bucket (LITELLM_CONFIG_BUCKET_NAME), name the object by its path from there, in the same bucket.',
  };
}

/** {@link parseConfig}, whose refusals begin with the file's path. */
export function parseNamed(path: string, text: string): ConfigDocument {
  try {
    return parseConfig(text);
  } catch (error) {
    throw named(path, error);
  }
}

/** The same refusal with the file's path before its message. */
export function named(path: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  return rewordError(error, { message: `${path}: ${error.message}` });
}

function includesOf({ path, config }: ConfigFile): {
  readonly entries: readonly { readonly entry: string; readonly line: number }[];
  readonly problem: Finding | null;
} {
  const value = config.data['include'];
  if (value === undefined) return { entries: [], problem: null };
  const pair = config.root === null ? null : findPair(config.root, 'include');
  const line = pair === null ? null : config.lineAt(rangeOf(pair.key)[0]);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) {
    const nodes = isSeq(pair?.value) ? pair.value.items : [];
    const lineAt = (index: number): number => {
      const node = nodes[index];
      return isScalar(node) ? config.lineAt(rangeOf(node)[0]) : (line ?? 1);
    };
    return {
      entries: value.map((entry: string, index) => ({ entry, line: lineAt(index) })),
      problem: null,
    };
  }
  return {
    entries: [],
    problem: {
      code: 'include_invalid',
      kind: 'trap',
      file: path,
      line,
      message: 'include is no list of file names, and LiteLLM does not start with that.',
      next: 'Write it as a list, also for one file: a line with "- " before each name.',
    },
  };
}
