/** Where a report points: the pages of MLflow and of Langfuse on what it names. Pure. */
import { isHashedName } from '../redact/hash-name.ts';
import { toRunKey } from '../runs/run-key.ts';
import { grainTag, keyTag } from '../runs/tags.ts';
import type { Links } from '../report/html/figures.ts';
import type { ReportedSource } from './described-source.ts';
import type { TargetDescription } from './ports.ts';

/**
 * The page of an experiment's runs, or null where MLflow's pages have no known address: a local file is shown by
 * whatever `mlflow ui` is started over it, and SageMaker signs the address of its pages anew for each visit.
 */
export function toRunsPage(target: TargetDescription, experimentId: string): string | null {
  if (!/^https?:\/\//i.test(target.uri)) return null;
  return `${target.uri.replace(/\/+$/, '')}/#/experiments/${encodeURIComponent(experimentId)}/runs`;
}

/** Where Langfuse shows a session. */
export function toSessionUrl(source: ReportedSource, sessionId: string): string {
  const sessions = `${toProjectUrl(source)}/sessions`;
  // Langfuse does not know a session by its hash.
  return isHashedName(sessionId) ? sessions : `${sessions}/${encodeURIComponent(sessionId)}`;
}

/** Where Langfuse shows a trace: the `htmlPath` of its own API. */
export function toTraceUrl(source: ReportedSource, traceId: string): string {
  return `${toProjectUrl(source)}/traces/${encodeURIComponent(traceId)}`;
}

/**
 * Links of the things of a report. A run is found by its key and not by its id, which differs from one MLflow to
 * the next and is not known before the run is made.
 */
export function toLinks(source: ReportedSource): {
  readonly ofRun: (identity: Omit<Parameters<typeof toRunKey>[0], 'source'>) => string | null;
  readonly session: (id: string) => Links;
  readonly user: (id: string) => Links;
  /** Of the sessions that carry `value` in a tag. */
  readonly sessionsWith: (tag: string, value: string) => Links;
} {
  const search = (filter: string | null): string | null =>
    filter === null || source.runsPage === null
      ? null
      : `${source.runsPage}?searchFilter=${encodeURIComponent(filter)}`;
  const ofRun: ReturnType<typeof toLinks>['ofRun'] = (identity) =>
    search(`tags.\`${keyTag}\` = '${toRunKey({ source: source.projectId, ...identity })}'`);
  const withTag = (tag: string, value: string): string | null => {
    const quoted = quote(`%${value}%`);
    return search(
      quoted === null ? null : `tags.\`${grainTag}\` = 'session' AND tags.${tag} LIKE ${quoted}`,
    );
  };
  return {
    ofRun,
    session: (id) => ({
      mlflow: ofRun({ grain: 'session', subject: id }),
      langfuse: toSessionUrl(source, id),
    }),
    user: (id) => ({
      mlflow: withTag('user_id', id),
      langfuse: `${toProjectUrl(source)}/users/${encodeURIComponent(id)}`,
    }),
    sessionsWith: (tag, value) => ({ mlflow: withTag(tag, value), langfuse: null }),
  };
}

/** MLflow's search has no escaping: a text with both quotes can't be searched. */
function quote(text: string): string | null {
  if (!text.includes("'")) return `'${text}'`;
  return text.includes('"') ? null : `"${text}"`;
}

function toProjectUrl(source: ReportedSource): string {
  return `${source.baseUrl.replace(/\/+$/, '')}/project/${encodeURIComponent(source.projectId)}`;
}
