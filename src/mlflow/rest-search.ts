/** Finding runs on an MLflow server: paged scans, and look-ups by the tag that holds a run's key. */
import { AppError } from '../shared/errors.ts';
import type { StoredRun } from '../sync/ports.ts';
import { keyTag } from './keys.ts';
import { searchRunsAnswer, toStoredRun } from './wire-schemas.ts';
import type { RestApi } from './rest-api.ts';

const pageSize = 500;
/** A look-up costs about as much as reading this many runs in a scan (measured on MLflow 2.10 and 3.17). */
const runsPerLookup = 15;

export interface RunSearch {
  /** Every active run that carries a key, each once. */
  scan(experimentId: string): AsyncGenerator<StoredRun>;
  /** Every active run with one of these keys. */
  findByKeys(experimentId: string, keys: readonly string[]): Promise<StoredRun[]>;
}

export function createRunSearch(api: RestApi): RunSearch {
  async function* pages(experimentId: string, filter: string): AsyncGenerator<StoredRun[]> {
    const seenRuns = new Set<string>();
    const seenTokens = new Set<string>();
    let token: string | undefined;
    do {
      const answer = await api.search('search runs', {
        path: 'runs/search',
        body: {
          experiment_ids: [experimentId],
          filter,
          run_view_type: 'ACTIVE_ONLY',
          max_results: pageSize,
          order_by: ['attributes.start_time ASC'],
          ...(token === undefined ? {} : { page_token: token }),
        },
        schema: searchRunsAnswer,
      });
      const runs = answer.runs.map(toStoredRun).filter((run) => run !== null);
      // Pages are counted from the start, so a run that was inserted before shows its neighbour twice.
      const fresh = runs.filter((run) => !seenRuns.has(run.runId));
      for (const run of fresh) seenRuns.add(run.runId);
      yield fresh;
      token = answer.next_page_token === '' ? undefined : answer.next_page_token;
      if (token !== undefined && seenTokens.has(token)) {
        throw new AppError(
          'MLFLOW_UNEXPECTED',
          `MLflow gave the same page token twice while searching experiment ${experimentId}; the search would never end.`,
        );
      }
      if (token !== undefined) seenTokens.add(token);
    } while (token !== undefined);
  }

  async function* scan(experimentId: string): AsyncGenerator<StoredRun> {
    // IS NOT NULL came with MLflow 3.10; LIKE '%' says the same to every server.
    for await (const page of pages(experimentId, `tags."${keyTag}" LIKE '%'`)) {
      for (const run of page) if (run.tags[keyTag] !== undefined) yield run;
    }
  }

  async function findByKey(experimentId: string, key: string): Promise<StoredRun[]> {
    const found: StoredRun[] = [];
    for await (const page of pages(experimentId, `tags."${keyTag}" = ${quote(key)}`))
      found.push(...page);
    // MySQL compares without case.
    return found.filter((run) => run.tags[keyTag] === key);
  }

  return {
    scan,
    async findByKeys(experimentId, keys) {
      const wanted = [...new Set(keys)];
      const canLookUp = wanted.every(isQuotable);
      if (wanted.length > runsPerLookup || !canLookUp) {
        const found = await scanFor(
          scan(experimentId),
          new Set(wanted),
          canLookUp ? wanted.length * runsPerLookup : Infinity,
        );
        if (found !== null) return found;
      }
      const runs = await Promise.all(wanted.map((key) => findByKey(experimentId, key)));
      return runs.flat();
    },
  };
}

/** The runs of a scan with a wanted key; null once the scan has cost more than looking each of them up. */
async function scanFor(
  runs: AsyncIterable<StoredRun>,
  wanted: ReadonlySet<string>,
  limit: number,
): Promise<StoredRun[] | null> {
  const found: StoredRun[] = [];
  let count = 0;
  for await (const run of runs) {
    count += 1;
    if (count > limit) return null;
    const key = run.tags[keyTag];
    if (key !== undefined && wanted.has(key)) found.push(run);
  }
  return found;
}

/** MLflow's filter language has no escape: a value that holds both quotes can't be written in it. */
function isQuotable(value: string): boolean {
  return !(value.includes("'") && value.includes('"'));
}

function quote(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}
