import { toWindowLabel, type Interval } from '../shared/time.ts';
import { renderNote } from './note.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type ArtifactSpec, type RunSpec } from './run-spec.ts';
import { baseTags, knownTags, toListTag } from './tags.ts';

export interface SessionFacts {
  readonly sessionId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Distinct values over the session's attempts, most frequent first. */
  readonly sources: readonly string[];
  readonly models: readonly string[];
  readonly users: readonly string[];
  readonly keyAliases: readonly string[];
  readonly teams: readonly string[];
  readonly clientTools: readonly string[];
}

/** The run of a session over all its windows, nested under the run of the window it began in. */
export function toSessionRun(session: {
  readonly source: string;
  readonly firstWindow: Interval;
  readonly facts: SessionFacts;
  /** Where Langfuse shows the session. */
  readonly url: string;
  readonly metrics: ReadonlyMap<string, number>;
  readonly artifacts: readonly ArtifactSpec[];
}): RunSpec {
  const { source, facts } = session;
  return toRunSpec({
    grain: 'session',
    key: toRunKey({ source, grain: 'session', subject: facts.sessionId }),
    parentKey: toRunKey({ source, grain: 'window', window: session.firstWindow }),
    source,
    windowFromMs: session.firstWindow.fromMs,
    subject: facts.sessionId,
    name: `session ${facts.sessionId}`,
    startMs: facts.startMs,
    endMs: facts.endMs,
    params: { session_id: facts.sessionId, source },
    tags: {
      ...baseTags({
        grain: 'session',
        source,
        window: session.firstWindow,
        note: renderNote({
          title: `Session \`${facts.sessionId}\`, begun on **${toWindowLabel(session.firstWindow)}** (UTC).`,
          metrics: session.metrics,
          lines: [`[Open in Langfuse](${session.url})`],
        }),
      }),
      ...knownTags({
        'langfuse_mlflow.session_source': facts.sources[0] ?? null,
        'langfuse_mlflow.url': session.url,
        models: toListTag(facts.models),
        user_id: toListTag(facts.users),
        api_key_alias: toListTag(facts.keyAliases),
        team_alias: toListTag(facts.teams),
        client_tool: toListTag(facts.clientTools),
      }),
    },
    metrics: session.metrics,
    artifacts: session.artifacts,
  });
}
