/** Compares the artifacts that MLflow serves with what the sample server shows. Shares no code with the product. */
import { createHash } from 'node:crypto';
import { listExpectedRuns, toLabel, type Expectation } from './check-runs.ts';
import type { ExpectedAttempt } from './expected-metrics.ts';
import type { ApiRun, MlflowApi } from './mlflow-api.ts';

interface Table {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** Lists and opens the artifacts of every run; returns what differs, in words. */
export async function checkArtifacts(
  api: MlflowApi,
  runs: readonly ApiRun[],
  expected: Expectation,
): Promise<string[]> {
  const wanted = new Map(listExpectedRuns(expected).map((run) => [run.label, run.artifacts]));
  const found = await Promise.all(
    runs.map(async (run) => {
      const label = toLabel(run);
      const paths = (await api.listArtifacts(run.runId)).toSorted();
      if (JSON.stringify(paths) !== JSON.stringify(wanted.get(label)))
        return [`${label}: artifacts are ${paths.join(', ')}`];
      const open = (path: string): Promise<Buffer> => api.downloadArtifact(run.runId, path);
      const attempts = attemptsOf(label, expected);
      return [
        ...checkTableList(label, run, paths),
        ...(paths.includes('requests.json')
          ? checkRequests(label, toTable(await open('requests.json')), attempts)
          : []),
        ...(paths.includes('errors.json')
          ? checkErrors(label, toTable(await open('errors.json')), attempts)
          : []),
        ...(paths.includes('error_groups.json')
          ? checkErrorGroups(label, toTable(await open('error_groups.json')), attempts)
          : []),
        ...(paths.includes('transcript.md')
          ? checkTranscript(label, (await open('transcript.md')).toString(), attempts)
          : []),
        ...(paths.includes('manifest.json')
          ? await checkManifest({ label, run, paths, open })
          : []),
      ];
    }),
  );
  return found.flat();
}

function attemptsOf(label: string, expected: Expectation): readonly ExpectedAttempt[] {
  const [grain = '', subject = ''] = label.split(/ (.*)/s);
  const groups = {
    window: expected.byDay,
    model: expected.byDayAndModel,
    session: expected.bySession,
  };
  return groups[grain as keyof typeof groups]?.get(subject) ?? [];
}

/** A table that MLflow's UI can render. Throws when it is none. */
export function toTable(bytes: Buffer): Table {
  const table = JSON.parse(bytes.toString('utf8')) as Table;
  const isTable =
    Array.isArray(table.columns) &&
    table.columns.every((name) => typeof name === 'string') &&
    Array.isArray(table.data) &&
    table.data.every((row) => Array.isArray(row) && row.length === table.columns.length) &&
    table.data
      .flat()
      .every((cell) => cell === null || ['string', 'number', 'boolean'].includes(typeof cell));
  if (!isTable) throw new Error(`not a table: ${bytes.toString('utf8').slice(0, 200)}`);
  return table;
}

/** MLflow's UI shows the tables that this tag names. */
function checkTableList(label: string, run: ApiRun, paths: readonly string[]): string[] {
  const tables = paths.filter((path) => path.endsWith('.json') && path !== 'manifest.json');
  const tag = run.tags['mlflow.loggedArtifacts'] ?? '[]';
  const told = (JSON.parse(tag) as { path: string; type: string }[])
    .filter((one) => one.type === 'table')
    .map((one) => one.path)
    .toSorted();
  return JSON.stringify(told) === JSON.stringify(tables)
    ? []
    : [`${label}: the tag mlflow.loggedArtifacts names ${told.join(', ')}`];
}

function checkRequests(
  label: string,
  table: Table,
  attempts: readonly ExpectedAttempt[],
): string[] {
  const found: string[] = [];
  if (table.data.length !== attempts.length)
    found.push(`${label}: requests.json has ${table.data.length} rows of ${attempts.length}`);
  const at = columnsOf(table, [
    'time',
    'model',
    'cost_usd',
    'prompt_tokens',
    'trace_id',
    'observation_id',
  ]);
  const rows = new Map(
    table.data.map((row) => [`${String(row[at.trace_id])} ${String(row[at.observation_id])}`, row]),
  );
  for (const attempt of attempts) {
    const row = rows.get(`${attempt.traceId} ${attempt.id}`);
    const is = row && [row[at.time], row[at.model], row[at.cost_usd], row[at.prompt_tokens]];
    const should = [
      new Date(attempt.startMs).toISOString(),
      attempt.canonicalModel,
      attempt.costUsd,
      attempt.tokens?.prompt ?? null,
    ];
    if (JSON.stringify(is) !== JSON.stringify(should))
      found.push(
        `${label}: requests.json says ${JSON.stringify(is)} of ${attempt.id}, should say ${JSON.stringify(should)}`,
      );
  }
  return found;
}

function checkErrors(label: string, table: Table, attempts: readonly ExpectedAttempt[]): string[] {
  const at = columnsOf(table, ['error_class', 'observation_id']);
  const is = table.data.map((row) => String(row[at.observation_id])).toSorted();
  const should = attempts
    .filter((one) => one.isError)
    .map((one) => one.id)
    .toSorted();
  return JSON.stringify(is) === JSON.stringify(should)
    ? []
    : [`${label}: errors.json has ${is.join(', ')}, should have ${should.join(', ')}`];
}

function checkErrorGroups(
  label: string,
  table: Table,
  attempts: readonly ExpectedAttempt[],
): string[] {
  const at = columnsOf(table, ['count']);
  const is = table.data.reduce((sum, row) => sum + Number(row[at.count]), 0);
  const should = attempts.filter((one) => one.isError).length;
  return is === should ? [] : [`${label}: error_groups.json counts ${is} failures of ${should}`];
}

function checkTranscript(
  label: string,
  text: string,
  attempts: readonly ExpectedAttempt[],
): string[] {
  const sessionId = attempts[0]?.sessionId ?? 'no session';
  const found = text.includes(sessionId)
    ? []
    : [`${label}: transcript.md does not name its session`];
  // Each answer of the session is in it: one telling line of each.
  for (const attempt of attempts) {
    const line = answerLineOf(attempt);
    if (line !== null && !text.includes(line))
      found.push(`${label}: transcript.md lacks the answer of ${attempt.id}: ${line}`);
  }
  return found;
}

/** The longest run of plain words in an answer: markup around it may be escaped. */
function answerLineOf(attempt: ExpectedAttempt): string | null {
  const output = attempt.row.output as { content?: unknown } | null;
  const content = output === null || typeof output !== 'object' ? null : output.content;
  const text = Array.isArray(content)
    ? content.map((block) => (block as { text?: string }).text ?? '').join('\n')
    : content;
  if (typeof text !== 'string') return null;
  const words = [...text.matchAll(/[A-Za-z][A-Za-z ,]{12,}[a-z]/g)].map((match) => match[0]);
  return words.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

async function checkManifest(manifest: {
  readonly label: string;
  readonly run: ApiRun;
  readonly paths: readonly string[];
  readonly open: (path: string) => Promise<Buffer>;
}): Promise<string[]> {
  const { label, run, paths, open } = manifest;
  const told = JSON.parse((await open('manifest.json')).toString('utf8')) as {
    window: { from: string; to: string };
    source: string;
    metrics: Record<string, number>;
    artifacts: { path: string; bytes: number; sha256: string }[];
  };
  const found: string[] = [];
  const files = await Promise.all(
    paths
      .filter((path) => path !== 'manifest.json')
      .map(async (path) => {
        const bytes = await open(path);
        return {
          path,
          bytes: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        };
      }),
  );
  if (JSON.stringify(told.artifacts) !== JSON.stringify(files))
    found.push(
      `${label}: manifest.json says ${JSON.stringify(told.artifacts)}, MLflow has ${JSON.stringify(files)}`,
    );
  const { window_from: from, window_to: to, source } = run.params;
  if (told.window.from !== from || told.window.to !== to || told.source !== source)
    found.push(`${label}: manifest.json is of another window`);
  for (const [name, value] of Object.entries(told.metrics)) {
    if (run.metrics[name] !== value)
      found.push(`${label}: manifest.json says ${name} ${value}, the run ${run.metrics[name]}`);
  }
  return found;
}

function columnsOf<Name extends string>(
  table: Table,
  names: readonly Name[],
): Record<Name, number> {
  const places = names.map((name) => {
    const place = table.columns.indexOf(name);
    if (place === -1)
      throw new Error(`the table has no column ${name}: ${table.columns.join(', ')}`);
    return [name, place] as const;
  });
  return Object.fromEntries(places) as Record<Name, number>;
}
