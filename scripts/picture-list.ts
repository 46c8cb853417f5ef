/** The pictures of docs/mlflow-guide.md: which page of MLflow, and what must be seen on it. */
import type { Locator, Page } from 'playwright-core';
import type { ApiRun } from '../test/support/mlflow-api.ts';

export interface Picture {
  /** File name without `.png`. */
  readonly name: string;
  /** Below the experiment's page. */
  readonly path: string;
  /** Texts that must be seen before the picture is taken. */
  readonly texts: readonly (string | RegExp)[];
  /** Clicks of a person, when the page is there. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** The greatest first; default the newest. */
  readonly sortedBy?: string;
  /** Columns of the list of runs, in MLflow's words. */
  readonly columns?: readonly string[];
  /** Pixels; default 1280. */
  readonly width?: number;
  /** Pixels; default 760. */
  readonly height?: number;
}

const day = '2026-11-12';
/** Of the demo. */
const traffic = { from: '2026-11-02T00:00:00.000Z', to: '2026-11-16T00:00:00.000Z' };

export function listPictures(runs: readonly ApiRun[]): Picture[] {
  const ofGrain = (grain: string): readonly ApiRun[] =>
    runs.filter((run) => run.tags['langfuse_mlflow.grain'] === grain);
  const named = (name: string): ApiRun => {
    const run = runs.find((one) => one.name === name);
    if (run === undefined) throw new Error(`the demo has no run ${name}`);
    return run;
  };
  const costliest = ofGrain('session').toSorted((a, b) => cost(b) - cost(a))[0];
  if (costliest === undefined) throw new Error('the demo has no session');
  const window = named(day);
  return [
    {
      name: 'compare-models',
      path: toList(
        "tags.`langfuse_mlflow.grain` = 'model' and tags.`langfuse_mlflow.window` LIKE '2026-11-%'",
      ),
      sortedBy: metric('cost_usd'),
      texts: [someRuns, 'Sort: cost_usd', /claude-sonnet/],
      columns: ['cost_usd', 'errors', 'error_rate', 'requests'].map(metric),
    },
    {
      name: 'costly-session',
      path: toList("tags.`langfuse_mlflow.grain` = 'session'"),
      sortedBy: metric('cost_usd'),
      texts: [someRuns, 'Sort: cost_usd', /^session /],
      columns: [
        ...['cost_usd', 'requests', 'tool_calls'].map(metric),
        'tags.`user_id`',
        'tags.`client_tool`',
      ],
    },
    {
      name: 'trend-all-models',
      path: ofRun(named('trend all models'), '/model-metrics'),
      texts: ['trend all models'],
      prepare: async (page) => {
        await searchCharts(page, '^(cost_usd|requests|errors|latency_ms/p95)$');
        await page
          .getByPlaceholder('Search metric charts')
          .locator('xpath=following::button[2]')
          .click();
        await page.getByText('Time (wall)').click();
        await page.keyboard.press('Escape');
      },
      height: 1110,
    },
    {
      name: 'trend',
      path: `${toList("tags.`langfuse_mlflow.grain` = 'trend' and params.model != ''")}&compareRunsMode=CHART`,
      texts: [someRuns],
      prepare: async (page) => {
        await searchCharts(page, '^cost_usd$');
        await widenChart(page);
      },
    },
    {
      name: 'report',
      path: ofRun(window, '/artifacts/report.html'),
      texts: ['report.html', 'manifest.json'],
      height: 900,
    },
    { name: 'models-table', path: ofRun(window, '/artifacts/models.json'), texts: asTable },
    { name: 'requests-table', path: ofRun(window, '/artifacts/requests.json'), texts: asTable },
    {
      name: 'transcript',
      path: ofRun(costliest, '/artifacts/transcript.md'),
      texts: ['transcript.md', /^Turn 1 /],
    },
    { name: 'traces', path: `/traces?${genai}`, texts: ['Duration', /^25 of /], width: 1700 },
    {
      name: 'overview',
      path: `/overview/usage?workflowType=genai&startTimeLabel=CUSTOM&startTime=${traffic.from}&endTime=${traffic.to}`,
      texts: ['Overview', /Overall error rate/],
      prepare: async (page) =>
        page.getByText('No data available').first().waitFor({ state: 'hidden' }),
      width: 1400,
      height: 1000,
    },
  ];
}

const someRuns = /^[1-9]\d* matching runs/;
const asTable = ['View as table', 'model'];
const genai = 'workflowType=genai&startTimeLabel=ALL';

const ofRun = ({ runId }: ApiRun, rest = ''): string =>
  `/runs/${runId}${rest}?workflowType=machine_learning`;

const cost = (run: ApiRun): number => Number(run.metrics['cost_usd'] ?? 0);

const metric = (name: string): string => `metrics.\`${name}\``;

function toList(filter: string): string {
  return `/runs?workflowType=machine_learning&searchFilter=${encodeURIComponent(filter)}`;
}

async function searchCharts(page: Page, pattern: string): Promise<void> {
  await page.getByPlaceholder('Search metric charts').fill(pattern);
  await page.locator('.js-plotly-plot').first().waitFor();
}

/** Drags the corner of the only chart. */
async function widenChart(page: Page): Promise<void> {
  await page.waitForTimeout(1500);
  // Its corner has no name of its own; the pointer tells what it is for.
  await page.evaluate(
    `[...document.querySelectorAll('*')].findLast((one) => /^(se|nwse)-resize$/.test(getComputedStyle(one).cursor))?.setAttribute('data-corner', '')`,
  );
  await drag(page, page.locator('[data-corner]'), 470);
}

async function drag(page: Page, what: Locator, byPixels: number): Promise<void> {
  const box = await what.boundingBox({ timeout: 10_000 });
  if (box === null) throw new Error('what should be made wider is not there');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + byPixels, y, { steps: 5 });
  await page.mouse.up();
  await page.mouse.move(0, 0);
}
