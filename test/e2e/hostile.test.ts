/**
 * Everything from Langfuse is text that others wrote. The whole worker, as processes, over traffic whose every name and
 * text was made to do harm, beside the same traffic with harmless ones: the same numbers, files and elements.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampleObservation, SampleTraffic } from '../../src/demo/sample-types.ts';
import { findBrowserProblem, openBrowser } from '../support/browser.ts';
import { listHostileTexts, scriptFlag } from '../support/hostile-texts.ts';
import { readLocalRuns } from '../support/local-runs.ts';
import { startRewritingFront, type RewritingFront } from '../support/rewriting-front.ts';
import type { CliEnd } from '../cli/built-cli.ts';
import { openWorkplace, smallTraffic, type Workplace } from '../cli/workplace.ts';
import { readMarkdown } from '../report/read-markdown.ts';

const browserProblem = findBrowserProblem();

/** Gives the n-th distinct name another one, the same for the same. */
type Rename = (kind: string, name: string) => string;

function createRename(texts: readonly string[]): Rename {
  const known = new Map<string, string>();
  return (kind, name) => {
    const key = `${kind} ${name}`;
    const number = known.size;
    const renamed = known.get(key) ?? `${texts[number % texts.length] ?? ''} ${number}`;
    known.set(key, renamed);
    return renamed;
  };
}

/** Every name and text but what makes a row what it is: ids, times, usage, the words that an error is known by. */
function disguise(traffic: SampleTraffic, texts: readonly string[]): SampleTraffic {
  const rename = createRename(texts);
  const maybe = (kind: string, name: string | null): string | null =>
    name === null ? null : rename(kind, name);
  const metadata = (given: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
    ...Object.fromEntries(
      Object.entries(given).map(([key, value]) => [
        key,
        typeof value === 'string' && key.endsWith('_alias') ? rename(key, value) : value,
      ]),
    ),
    ...Object.fromEntries(texts.map((text, index) => [rename('metadata', `key ${index}`), text])),
  });
  const prompt = (row: SampleObservation): unknown => ({
    messages: texts.map((text, index) => ({
      role: index % 7 === 0 ? text : 'user',
      content: `${text} ${row.id}`,
    })),
    tools: texts.map((name) => ({ type: 'function', function: { name, parameters: {} } })),
  });
  return {
    ...traffic,
    project: { ...traffic.project, name: texts[0] ?? '' },
    traces: traffic.traces.map((trace) => ({
      ...trace,
      name: maybe('trace', trace.name),
      userId: maybe('user', trace.userId),
      sessionId: maybe('session', trace.sessionId),
      tags: [...trace.tags, ...texts.slice(0, 5)],
      metadata: metadata(trace.metadata),
    })),
    observations: traffic.observations.map((row) => ({
      ...row,
      model: maybe('model', row.model),
      statusMessage:
        row.statusMessage === null
          ? null
          : `${row.statusMessage} ${rename('error', row.statusMessage)}`,
      metadata: metadata(row.metadata),
      input: prompt(row),
      output: {
        role: 'assistant',
        content: texts.join('\n'),
        tool_calls: texts.map((name, index) => ({
          id: `call-${index}`,
          type: 'function',
          function: { name, arguments: JSON.stringify({ [name]: name }) },
        })),
      },
    })),
    scores: traffic.scores.map((score) => ({ ...score, comment: texts[1] ?? null })),
  };
}

/** Paths below a folder. */
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Runs, with what may differ between the two left out. */
const numbersOf = (place: Workplace): string[] =>
  readLocalRuns(place.path)
    .map((run) =>
      JSON.stringify([
        run.tags['langfuse_mlflow.grain'],
        run.startMs,
        run.status,
        Object.entries(run.metrics).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    )
    .toSorted();

/** Nothing that a terminal acts on, but line breaks and tabs. */
const acting =
  // oxlint-disable-next-line no-control-regex -- those are what must not be there.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe('hostile traffic', () => {
  let beacon: RewritingFront;
  let hostile: Workplace;
  let harmless: Workplace;
  const ends: { hostile: CliEnd[]; harmless: CliEnd[] } = { hostile: [], harmless: [] };

  beforeAll(async () => {
    beacon = await startRewritingFront(null);
    const texts = listHostileTexts(beacon.url);
    const traffic = smallTraffic();
    hostile = await openWorkplace({ traffic: disguise(traffic, texts) });
    harmless = await openWorkplace({
      traffic: disguise(
        traffic,
        texts.map((_, index) => `plain ${index}`),
      ),
    });
    const commands: [string[], Record<string, string>][] = [
      [['sync', '--log-format', 'json'], { SYNC_LOG_LEVEL: 'debug' }],
      [['sync', '--log-format', 'pretty'], { SYNC_LOG_LEVEL: 'debug' }],
      [['status'], {}],
      [['verify'], {}],
      [['doctor'], {}],
    ];
    for (const [args, env] of commands) {
      ends.hostile.push(await hostile.run(args, env));
      ends.harmless.push(await harmless.run(args, env));
    }
  }, 300_000);

  afterAll(async () => {
    await hostile?.[Symbol.asyncDispose]();
    await harmless?.[Symbol.asyncDispose]();
    await beacon?.[Symbol.asyncDispose]();
  });

  it('every command ends as over harmless traffic', () => {
    expect(ends.harmless.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(ends.hostile.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  });

  it('leaves the same numbers', () => {
    const numbers = numbersOf(harmless);
    expect(numbers.length).toBeGreaterThan(15);
    expect(numbersOf(hostile)).toEqual(numbers);
  });

  it('writes the same files, each in its place', () => {
    const names = (place: Workplace): string[] =>
      filesOf(place.path)
        .map((file) => file.slice(place.path.length + 1).replace(/[0-9a-f]{32}/g, 'RUN'))
        .toSorted();
    expect(names(hostile)).toEqual(names(harmless));
  });

  it('says nothing that a terminal acts on, and one line of JSON for each event', () => {
    for (const end of ends.hostile) {
      expect(end.stdout).not.toMatch(acting);
      expect(end.stderr).not.toMatch(acting);
    }
    const lines = (end: CliEnd | undefined): string[] =>
      (end?.stderr ?? '').split('\n').filter((line) => line.startsWith('{'));
    expect(lines(ends.hostile[0]).length).toBe(lines(ends.harmless[0]).length);
    for (const line of lines(ends.hostile[0])) {
      expect(JSON.parse(line)).not.toMatchObject({ msg: 'forged' });
    }
  });

  it('leaves no fence open and no control character in a transcript, and tables that are JSON', () => {
    const files = filesOf(hostile.path);
    const transcripts = files.filter((file) => file.endsWith('transcript.md'));
    expect(transcripts.length).toBeGreaterThan(3);
    for (const file of transcripts) {
      const text = readFileSync(file, 'utf8');
      expect(readMarkdown(text).isOpen).toBe(false);
      expect(text).not.toMatch(acting);
      expect(readMarkdown(text).lines.filter((line) => line.includes(beacon.url))).toEqual([]);
    }
    for (const file of files.filter((name) => name.endsWith('.json'))) {
      expect(() => JSON.parse(readFileSync(file, 'utf8')) as unknown).not.toThrow();
    }
  });

  it.skipIf(browserProblem !== null)(
    'runs no script, asks for nothing and adds no element in a browser',
    async () => {
      const browser = await openBrowser();
      try {
        const wanted = await look(browser, reportsOf(harmless));
        const found = await look(browser, reportsOf(hostile));
        expect(wanted.elements.size).toBeGreaterThan(10);
        expect([...found.elements].filter((one) => !wanted.elements.has(one))).toEqual([]);
        expect(found.flags).toEqual(wanted.flags);
        expect(found.flags.length).toBeGreaterThan(3);
        expect(found.flags.every((flag) => flag === 'none')).toBe(true);
        expect(found.requests).toEqual([]);
        expect(beacon.seen).toEqual([]);
        // The eye sees: the same texts do run where nothing stops them.
        const page = await browser.newPage();
        await page.setContent(listHostileTexts(beacon.url).slice(0, 5).join('\n'));
        expect(await page.evaluate(`'${scriptFlag}' in window`)).toBe(true);
      } finally {
        await browser.close();
      }
    },
    180_000,
  );
});

const reportsOf = (place: Workplace): string[] =>
  filesOf(place.path).filter((file) => file.endsWith('report.html'));

/** Run inside of the page: what each element is, but for what it says, once the mouse has been over it. */
const shapesInPage = `[...document.querySelectorAll('*')].map((element) => {
  element.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
  return element.tagName + ' ' + element.getAttributeNames().sort().join(' ');
})`;

/** Opens each page, and moves the mouse over all that is there. */
async function look(
  browser: Browser,
  files: readonly string[],
): Promise<{ elements: Set<string>; flags: string[]; requests: string[] }> {
  const elements = new Set<string>();
  const flags: string[] = [];
  const requests: string[] = [];
  for (const file of files) {
    const page = await browser.newPage();
    const url = pathToFileURL(file).href;
    page.on('request', (request) => {
      if (request.url() !== url) requests.push(request.url());
    });
    page.on('dialog', (dialog) => {
      requests.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(url);
    const shapes = await page.evaluate<string[]>(shapesInPage);
    for (const shape of shapes) elements.add(shape);
    flags.push(await page.evaluate<string>(`'${scriptFlag}' in window ? 'ran' : 'none'`));
    await page.close();
  }
  return { elements, flags, requests };
}
