/**
 * Reads a Dockerfile of the few instructions that this project uses, and refuses every other: what is not understood
 * must not look proved. Pure.
 */

export interface DockerStep {
  readonly instruction: 'RUN' | 'COPY' | 'WORKDIR' | 'ENV' | 'USER' | 'VOLUME';
  /** RUN: the shell command. COPY: sources, then the destination. ENV: `NAME=value` each. Else one word. */
  readonly words: readonly string[];
  /** COPY: the stage that it copies from; null for the build's own folder. */
  readonly from: string | null;
}

export interface DockerStage {
  /** With arguments filled in: `node:24-bookworm-slim`. */
  readonly image: string;
  readonly name: string | null;
  readonly steps: readonly DockerStep[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
}

/** Throws an Error that names the line. */
export function parseDockerfile(text: string): DockerStage[] {
  const args = new Map<string, string>();
  const stages: DraftStage[] = [];
  for (const { line, source } of joinLines(text)) {
    const [, instruction = '', rest = ''] = /^([A-Z]+)\s+(.+)$/.exec(source) ?? [];
    const fault = (words: string): Error => new Error(`Dockerfile line ${line}: ${words}`);
    if (instruction === 'ARG' && stages.length === 0) {
      const [, name, value] = /^(\w+)=(\S+)$/.exec(rest) ?? [];
      if (name === undefined || value === undefined) throw fault(`ARG ${rest}: NAME=VALUE only`);
      args.set(name, value);
    } else if (instruction === 'FROM') {
      stages.push(startStage(rest, args, fault));
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw fault(`${source} before FROM`);
      addStep(stage, { instruction, rest, fault });
    }
  }
  if (stages.length === 0) throw new Error('Dockerfile: no FROM');
  return stages;
}

interface DraftStage extends DockerStage {
  readonly steps: DockerStep[];
  entrypoint: readonly string[];
  cmd: readonly string[];
}

interface SourceLine {
  readonly instruction: string;
  readonly rest: string;
  readonly fault: (words: string) => Error;
}

/** Comments and empty lines go, and a line that ends in a backslash goes on in the next one. */
function joinLines(text: string): { readonly line: number; readonly source: string }[] {
  const joined: { line: number; source: string }[] = [];
  let open: { line: number; source: string } | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const goesOn = trimmed.endsWith('\\');
    const part = goesOn ? trimmed.slice(0, -1).trim() : trimmed;
    if (open === null) {
      open = { line: index + 1, source: part };
      joined.push(open);
    } else {
      open.source += ` ${part}`;
    }
    if (!goesOn) open = null;
  }
  return joined;
}

function startStage(
  rest: string,
  args: ReadonlyMap<string, string>,
  fault: SourceLine['fault'],
): DraftStage {
  const [, image, name = null] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? [];
  if (image === undefined) throw fault(`FROM ${rest}: an image and AS NAME only`);
  const filled = image.replaceAll(/\$\{(\w+)\}/g, (_match, argument: string) => {
    const value = args.get(argument);
    if (value === undefined) throw fault(`no ARG ${argument}`);
    return value;
  });
  return { image: filled, name, steps: [], entrypoint: [], cmd: [] };
}

function addStep(stage: DraftStage, { instruction, rest, fault }: SourceLine): void {
  const add = (words: readonly string[], from: string | null = null): void => {
    stage.steps.push({ instruction: instruction as DockerStep['instruction'], words, from });
  };
  if (instruction !== 'RUN' && rest.includes('$'))
    throw fault('a variable outside of FROM and RUN');
  switch (instruction) {
    case 'LABEL':
      return;
    case 'RUN':
      if (/^(--|\[|<<)/.test(rest)) throw fault(`RUN ${rest}: a plain command only`);
      return add([rest]);
    case 'COPY': {
      const [, from = null, paths = ''] = /^(?:--from=(\S+)\s+)?([^-].*)$/.exec(rest) ?? [];
      const words = paths.split(/\s+/);
      if (words.length < 2) throw fault(`COPY ${rest}: --from, sources and a destination only`);
      return add(words, from);
    }
    case 'ENV': {
      const words = rest.split(/\s+/);
      if (!words.every((word) => /^\w+=[^"']+$/.test(word)))
        throw fault(`ENV ${rest}: NAME=value only`);
      return add(words);
    }
    case 'WORKDIR':
    case 'USER':
    case 'VOLUME':
      if (/\s/.test(rest)) throw fault(`${instruction} ${rest}: one word only`);
      return add([rest]);
    case 'ENTRYPOINT':
      stage.entrypoint = parseWords(rest, fault);
      return;
    case 'CMD':
      stage.cmd = parseWords(rest, fault);
      return;
    default:
      throw fault(`${instruction} is not known here`);
  }
}

function parseWords(rest: string, fault: SourceLine['fault']): string[] {
  const words = rest.startsWith('[') ? (JSON.parse(rest) as unknown) : null;
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
    throw fault(
      `${rest}: a JSON list of words only, since a shell in between would get the signals`,
    );
  }
  return words;
}

/**
 * Sources of COPY that .dockerignore keeps out of the build, which docker then does not find. Understands the form in
 * use: `*`, then `!name` for each that is let in. Throws for any other.
 */
export function findIgnoredSources(stages: readonly DockerStage[], dockerignore: string): string[] {
  const [all, ...rules] = dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const other = rules.find((rule) => !/^![\w.-]+$/.test(rule));
  if (all !== '*' || other !== undefined)
    throw new Error(`.dockerignore: ${other ?? all} is not known here`);
  const letIn = new Set(rules.map((rule) => rule.slice(1)));
  return stages
    .flatMap(({ steps }) => steps)
    .filter(({ instruction, from }) => instruction === 'COPY' && from === null)
    .flatMap(({ words }) => words.slice(0, -1))
    .filter((source) => !letIn.has(source.replace(/^\.\//, '').split('/')[0] ?? ''));
}
