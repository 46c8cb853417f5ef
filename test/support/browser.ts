/** Debian's headless Chromium, for looking at MLflow's own pages. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const program = '/usr/bin/chromium';

/** Null where Chromium is there; else why its tests can't run. In CI that is a failure. */
export function findBrowserProblem(): string | null {
  if (existsSync(program)) return null;
  const problem = `${program} is missing (apt-get install chromium)`;
  if (process.env.CI === 'true') throw new Error(problem);
  process.stderr.write(`${problem}\nTests that need it are skipped.\n`);
  return problem;
}

/** Asks nobody but the pages that it is sent to. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface WatchedPage {
  readonly page: Page;
  /** Opens a page and waits until each of `texts` can be seen; throws with what is there instead. */
  open(url: string, texts: readonly string[]): Promise<void>;
  /** Everything that can be read on the page. */
  text(): Promise<string>;
  /** Keeps a picture in test-output/, for people. */
  screenshot(name: string): Promise<void>;
  /** Uncaught errors of the page, and requests to the server that failed. */
  readonly problems: readonly string[];
}

const waitMs = 60_000;

export async function openPage(browser: Browser): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('response', (response) => {
    // MLflow asks who the user is, also where nobody can log in.
    if (response.status() >= 400 && !response.url().endsWith('/users/current'))
      problems.push(`${response.status()} ${response.url()}`);
  });
  const text = async (): Promise<string> => page.locator('body').innerText();
  return {
    page,
    problems,
    text,
    async open(url, texts) {
      // Between two routes of one page MLflow would keep what it shows.
      await page.goto('about:blank');
      await page.goto(url, { waitUntil: 'load' });
      for (const wanted of texts) {
        try {
          await page
            .getByText(wanted, { exact: true })
            .filter({ visible: true })
            .first()
            .waitFor({ timeout: waitMs });
        } catch (error) {
          throw new Error(
            `"${wanted}" can't be seen at ${url}:\n${(await text()).slice(0, 3000)}`,
            {
              cause: error,
            },
          );
        }
      }
    },
    async screenshot(name) {
      const folder = fileURLToPath(new URL('../../test-output/', import.meta.url));
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`) });
    },
  };
}
