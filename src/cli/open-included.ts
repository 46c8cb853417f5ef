import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { IncludedFiles } from '../gateway/read-includes.ts';
import { readTextFile, type TextFile } from './replace-file.ts';

/**
 * Included files on this disk, found by LiteLLM's rule: beside the file that names them; where there is none, beside
 * the one that the proxy is started with (`root`, as it was named; links are not followed). Paths are told as that
 * one was, and each file has one.
 */
export function openIncluded(
  root: string,
): IncludedFiles & { readonly opened: (path: string) => TextFile } {
  const files = new Map<string, TextFile>();
  const known = new Map([[resolve(root), root]]);
  return {
    resolve: (entry, declaredIn) => {
      const first = beside(declaredIn, entry);
      const second = beside(root, entry);
      const path = !existsSync(first) && existsSync(second) ? second : first;
      const name = known.get(resolve(path)) ?? path;
      known.set(resolve(path), name);
      return name;
    },
    read: (path) => {
      const file = readTextFile(path);
      if (file !== null) files.set(path, file);
      return file?.text ?? null;
    },
    opened: (path) => {
      const file = files.get(path);
      if (file === undefined) throw new Error(`${path} was not read`);
      return file;
    },
  };
}

function beside(file: string, entry: string): string {
  return isAbsolute(entry) ? entry : join(dirname(file), entry);
}
