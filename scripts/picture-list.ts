/** The pictures of docs/mlflow-guide.md: which page of MLflow, and what must be seen on it. */
import type { Page } from 'playwright-core';
import type { ApiRun } from '../test/support/mlflow-api.ts';

export interface Picture {
  /** File name without `.png`. */
  readonly name: string;
  /** Below the experiment's page. */
  readonly path: string;
  /** Texts that must be seen before the picture is taken. */
  readonly texts?: readonly string[];
  /** Clicks of a person, when the page is there. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** Columns of the list of runs, in MLflow's words. */
  readonly columns?: readonly string[];
  readonly widths?: Readonly<Record<string, number>>;
  /** Pixels; default 760. */
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

const day = '2026-11-12';

export function listPictures(runs: readonly ApiRun[]): Picture[] {
  const ofGrain = (grain: string): readonly ApiRun[] =>
    runs.filter((run) => run.tags['langfuse_mlflow.grain'] === grain);
  const named = (name: string): ApiRun => {
    const run = runs.find((one) => one.name === name);
    if (run === undefined) throw new Error(`the demo has no run ${name}`);
    return run;
  };
  const cost = (run: ApiRun): number => Number(run.metrics['cost_usd'] ?? 0);
  const costliest = ofGrain('session').toSorted((a, b) => cost(b) - cost(a))[0];
  if (costliest === undefined) throw new Error('the demo has no session');
  const window = named(day);
  return [
    {
      name: 'runs',
      path: toList("tags.`langfuse_mlflow.grain` = 'window'"),
      texts: [day, 'matching runs'],
      columns: [metric('cost_usd'), metric('requests'), metric('errors'), metric('latency_ms/p50')],
    },
    {
      name: 'compare-models',
      path: toList(
        "tags.`langfuse_mlflow.grain` = 'model' and tags.`langfuse_mlflow.window` LIKE '2026-11-%'",
        'cost_usd',
      ),
      texts: ['matching runs', 'cost_usd'],
      columns: [
        metric('cost_usd'),
        metric('requests'),
        metric('error_rate'),
        metric('latency_ms/p50'),
        metric('prompt_cache_hit_ratio'),
      ],
    },
    {
      name: 'costly-session',
      path: toList("tags.`langfuse_mlflow.grain` = 'session'", 'cost_usd'),
      texts: ['matching runs', 'cost_usd'],
      columns: [
        metric('cost_usd'),
        metric('session_turns'),
        metric('context_tokens/max'),
        'tags.`user_id`',
        'tags.`client_tool`',
      ],
    },
    { name: 'session', path: `/runs/${costliest.runId}`, texts: ['cost_usd', 'Open in Langfuse'] },
    {
      name: 'trend-all-models',
      path: `/runs/${named('trend all models').runId}/model-metrics`,
      texts: ['cost_usd'],
      prepare: (page) =>
        searchCharts(page, '^(cost_usd|requests|error_rate|errors|latency_ms/p95|active_users)$'),
    },
    {
      name: 'trend',
      path: `${toList("tags.`langfuse_mlflow.grain` = 'trend' and params.model != ''")}&compareRunsMode=CHART`,
      texts: ['matching runs'],
      prepare: (page) => searchCharts(page, '^cost_usd$'),
    },
    {
      name: 'report',
      path: `/runs/${window.runId}/artifacts/report.html`,
      texts: ['report.html'],
      height: 900,
    },
    {
      name: 'models-table',
      path: `/runs/${window.runId}/artifacts/models.json`,
      texts: ['View as table', 'cost_usd'],
    },
    {
      name: 'requests-table',
      path: `/runs/${window.runId}/artifacts/requests.json`,
      texts: ['View as table', 'model'],
    },
    {
      name: 'error-groups',
      path: `/runs/${window.runId}/artifacts/error_groups.json`,
      texts: ['View as table'],
    },
    {
      name: 'transcript',
      path: `/runs/${costliest.runId}/artifacts/transcript.md`,
      texts: ['transcript.md', costliest.params['session_id'] ?? ''],
    },
    { name: 'traces', path: `/traces?${allTime}`, texts: ['Traces'] },
    { name: 'overview', path: `/overview?${allTime}`, texts: ['Overview'] },
  ];
}

const allTime =
  'workflowType=genai&startTimeLabel=CUSTOM&startTime=2026-11-02T00:00:00.000Z&endTime=2026-11-16T00:00:00.000Z';

const metric = (name: string): string => `metrics.\`${name}\``;

function toList(filter: string, orderBy?: string): string {
  const query = new URLSearchParams({ workflowType: 'machine_learning', searchFilter: filter });
  if (orderBy !== undefined) {
    query.set('orderByKey', metric(orderBy));
    query.set('orderByAsc', 'false');
  }
  return `/runs?${query.toString().replaceAll('+', '%20')}`;
}

async function searchCharts(page: Page, pattern: string): Promise<void> {
  await page.getByPlaceholder('Search metric charts').fill(pattern);
  await page.locator('.js-plotly-plot').first().waitFor();
}
