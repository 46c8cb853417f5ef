/** Reads the settings file that was named, and joins its aliases of models with those of SYNC_MODEL_ALIASES. */
import { noMeasures, type MeasureChecks, type Measures } from '../shared/measures.ts';
import { parseMeasures } from './parse-measures.ts';
import type { Problem } from './problem.ts';

type Aliases = Readonly<Record<string, string>>;

/** `understanding` holds the parsed path and aliases; a file that can't be read is a problem of its setting already. */
export function readMeasures(
  understanding: Readonly<Record<string, unknown>>,
  input: { readonly readFile: (path: string) => string; readonly measureChecks: MeasureChecks },
): {
  readonly measures: Measures;
  readonly modelAliases: unknown;
  readonly problems: readonly Problem[];
} {
  const { file: path, modelAliases } = understanding;
  if (typeof path !== 'string') return { measures: noMeasures, modelAliases, problems: [] };
  const parsed = parseMeasures({ path, text: input.readFile(path) }, input.measureChecks);
  const aliases = (modelAliases ?? {}) as Aliases;
  const doubtful = Object.entries(parsed.modelAliases).filter(
    ([from, to]) => Object.hasOwn(aliases, from) && aliases[from] !== to,
  );
  return {
    measures: parsed.measures,
    modelAliases: { ...parsed.modelAliases, ...aliases },
    problems: [
      ...parsed.problems,
      ...doubtful.map(
        ([from, to]) =>
          `${path}: counts ${from} under ${to}, and SYNC_MODEL_ALIASES under ${aliases[from] ?? ''}; keep one.`,
      ),
    ].map((line) => ({ setting: 'SYNC_SETTINGS_FILE', line })),
  };
}
