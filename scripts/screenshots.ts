/**
 * Makes the pictures of docs/mlflow-guide.md anew: the demo with its traces in the newest MLflow, opened in Debian's Chromium.
 *
 *   npx tsx scripts/screenshots.ts [--mlflow URL] [--out FOLDER] [NAME ...]
 *
 * `--mlflow` names a server that the demo was written to before (`demo --traces sampled:0.15`). Ends with 1 where a page shows an
 * error, a text that it should show can't be seen, or a picture is too big for the repository.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../test/support/browser.ts';
import { createMlflowApi, type ApiRun } from '../test/support/mlflow-api.ts';
import { installMlflow } from '../test/support/mlflow-install.ts';
import { startMlflowServer } from '../test/support/mlflow-server.ts';
import { runCli } from '../test/support/run-cli.ts';
import { listPictures, type Picture } from './picture-list.ts';

const mostBytes = 250_000;
const waitMs = 30_000;
const experiment = 'litellm-monitoring-demo';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { mlflow: { type: 'string' }, out: { type: 'string' } },
});
const out = values.out ?? fileURLToPath(new URL('../docs/images/', import.meta.url));

if (values.mlflow !== undefined) await takeAll(values.mlflow);
else {
  const install = await installMlflow('newest');
  if (install.folder === null) throw new Error(install.problem);
  const folder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-pictures-'));
  try {
    await using mlflow = await startMlflowServer({
      version: 'newest',
      environment: install.folder,
    });
    const demo = ['demo', '--mlflow-tracking-uri', mlflow.url, '--traces', 'sampled:0.15'];
    const { code, stderr } = await runCli(demo, { cwd: folder });
    if (code !== 0) throw new Error(`the demo ended with ${code}:\n${stderr.slice(-2000)}`);
    await takeAll(mlflow.url);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeAll(url: string): Promise<void> {
  const api = createMlflowApi(url);
  const experimentId = await api.findExperimentId(experiment);
  const runs: readonly ApiRun[] = await api.searchRuns(experimentId);
  const browser = await openBrowser();
  try {
    for (const picture of listPictures(runs)) {
      if (positionals.length > 0 && !positionals.includes(picture.name)) continue;
      const file = join(out, `${picture.name}.png`);
      await takeWithPatience(browser, {
        ...picture,
        file,
        page: `${url}/#/experiments/${experimentId}`,
        experimentId,
      });
      const { size } = await stat(file);
      process.stdout.write(`${file} ${size} bytes\n`);
      if (size > mostBytes) throw new Error(`${file} has ${size} bytes, more than ${mostBytes}`);
    }
  } finally {
    await browser.close();
  }
}

/** MLflow now and then drops the sort of an address while it loads: the page is opened again, twice at most. */
async function takeWithPatience(...[browser, picture]: Parameters<typeof take>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await take(browser, picture);
      return;
    } catch (error) {
      if (attempt === 3) throw error;
      process.stderr.write(`${String(error)}\nOpening it again.\n`);
    }
  }
}

async function take(
  browser: Browser,
  picture: Picture & {
    readonly file: string;
    readonly page: string;
    readonly experimentId: string;
  },
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: picture.width ?? 1280, height: picture.height ?? 760 },
  });
  await context.addInitScript({
    content: `if (window.top === window) for (const [name, value] of Object.entries(${JSON.stringify(toStored(picture))})) if (localStorage.getItem(name) === null) localStorage.setItem(name, value);`,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  const sorted =
    picture.sortedBy === undefined
      ? ''
      : `&orderByKey=${encodeURIComponent(picture.sortedBy)}&orderByAsc=false`;
  await page.goto(`${picture.page}${picture.path}${sorted}`, { waitUntil: 'load' });
  await page.addStyleTag({
    content: '[data-component-id^="mlflow.assistant"] { display: none !important }',
  });
  await expectTexts(page, picture);
  await picture.prepare?.(page);
  // Charts and tables move into place.
  await page.waitForTimeout(1500);
  await expectTexts(page, picture);
  if (problems.length > 0) throw new Error(`${picture.name}: ${problems.join('; ')}`);
  await page.screenshot({ path: picture.file });
  await context.close();
}

async function expectTexts(page: Page, picture: Picture): Promise<void> {
  for (const text of picture.texts) {
    try {
      await page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: waitMs });
    } catch (error) {
      await page.screenshot({ path: `${tmpdir()}/${picture.name}-failed.png` });
      throw new Error(
        `${picture.name}: "${String(text)}" can't be seen: ${tmpdir()}/${picture.name}-failed.png`,
        { cause: error },
      );
    }
  }
}

/** What MLflow keeps in the browser once a person has chosen columns and the x-axis, and closed its assistant. */
function toStored(picture: Picture & { readonly experimentId: string }): Record<string, string> {
  const view = {
    selectedColumns: picture.columns ?? [],
    globalLineChartConfig: { xAxisKey: 'time', lineSmoothness: 0, selectedXAxisMetricKey: '' },
  };
  return {
    'mlflow.assistant.fab.autoOpenedOnFirstLoad_v1': 'true',
    'mlflow.assistant.panelOpen_v1': 'false',
    'mlflow.detectIssues.guidanceShown_v1': 'true',
    [`MLflowLocalStorage-1.1-ExperimentPage-["${picture.experimentId}"]-ReactComponentState`]:
      JSON.stringify(view),
  };
}
