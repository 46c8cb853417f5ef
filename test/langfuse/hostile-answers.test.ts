/** Answers that were made to do harm: sent elsewhere, without end, packed, nested. On real sockets. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { deepestLevel, tooDeepMark } from '../../src/shared/bound-depth.ts';
import { startRewritingFront, type FrontAnswer } from '../support/rewriting-front.ts';
import {
  deduplicate,
  idsOf,
  manyRows,
  readAll,
  readAllContent,
  sampleObservation,
  sampleTraffic,
  startProject,
} from './project.ts';

const v2Path = '/api/public/v2/observations';
const depth = 100_000;
const deepJson = `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a redirect', () => {
  it('to another host is not followed, whatever was asked', async () => {
    await using stranger = await startRewritingFront(null);
    await using project = await startProject();
    for (const path of ['/api/public/health', '/api/public/projects', v2Path]) {
      project.server.setFaults([{ kind: 'redirect', location: `${stranger.url}/elsewhere`, path }]);
      await expect(project.open().then((source) => readAll(source))).rejects.toMatchObject({
        code: 'LANGFUSE_UNEXPECTED',
        message: expect.stringContaining(
          `was redirected to ${stranger.url}, which is refused`,
        ) as string,
      });
    }
    expect(stranger.seen).toEqual([]);
  });

  it('within the host is followed, with the keys, and not for ever', async () => {
    await using project = await startProject();
    await using front = await startRewritingFront(project.server.url);
    front.rewrite = (path, answer) =>
      path.startsWith('/old/')
        ? { status: 307, headers: { location: path.replace('/old/', '/') }, body: '' }
        : answer;
    const source = await project.open({ baseUrl: `${front.url}/old` });
    expect(idsOf((await readAll(source)).observations)).toContain('observation-1');
    front.rewrite = (path) => ({ status: 302, headers: { location: path }, body: '' });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });
});

describe('an answer without end', () => {
  const limit = { maxAnswerBytes: 100_000 };
  const name = /more than 100000 bytes \(SYNC_LANGFUSE_MAX_ANSWER_BYTES\)/;

  it('is asked for in parts, and a row that is too large alone is set aside by its name', async () => {
    const traffic = sampleTraffic(manyRows(40));
    const [large] = traffic.observations;
    if (large === undefined) throw new Error('no row');
    const observations = traffic.observations.map((row) =>
      row === large ? { ...row, statusMessage: 'x'.repeat(200_000) } : row,
    );
    await using project = await startProject(
      { traffic: { ...traffic, observations } },
      { ...limit, concurrency: 1 },
    );
    const { observations: read, unreadable } = await readAll(await project.open());
    expect(deduplicate(read).size).toBe(39);
    expect(unreadable).toEqual([
      expect.objectContaining({
        id: large.id,
        traceId: large.traceId,
        reason: expect.stringMatching(name) as string,
      }) as unknown,
    ]);
  });

  it.each(['plain', 'gzip', 'deflate-chunked'] as const)(
    'ends the reading with the setting where nothing can be asked in parts (%s)',
    async (kind) => {
      const bomb = Buffer.alloc(100_000_000, ' ');
      const answers: Record<typeof kind, FrontAnswer> = {
        plain: { status: 200, headers: { 'content-length': bomb.length }, body: bomb },
        gzip: { status: 200, headers: { 'content-encoding': 'gzip' }, body: gzipSync(bomb) },
        'deflate-chunked': {
          status: 200,
          headers: { 'content-encoding': 'gzip, gzip', 'transfer-encoding': 'chunked' },
          body: gzipSync(gzipSync(bomb)),
        },
      };
      await using project = await startProject();
      await using front = await startRewritingFront(project.server.url);
      const source = await project.open({ ...limit, baseUrl: front.url });
      front.rewrite = () => answers[kind];
      await expect(project.open({ ...limit, baseUrl: front.url })).rejects.toMatchObject({
        message: expect.stringMatching(name) as string,
      });
      const before = process.memoryUsage.rss();
      const { observations, unreadable } = await readAll(source).catch((error: unknown) => ({
        observations: [],
        unreadable: [{ reason: String(error) }],
      }));
      expect(observations).toEqual([]);
      expect(unreadable.filter(({ reason }) => !name.test(reason))).toEqual([]);
      expect(process.memoryUsage.rss() - before).toBeLessThan(bomb.length / 2);
    },
  );
});

describe('JSON that is nested 100,000 levels deep', () => {
  /** The new API hands out text, in which JSON may stand; the old one decodes it. */
  const rewriteDeep =
    (isText: boolean) =>
    (_path: string, answer: FrontAnswer): FrontAnswer => ({
      ...answer,
      body: String(answer.body).replaceAll('"DEEP"', isText ? JSON.stringify(deepJson) : deepJson),
    });

  it.each(['events_only', 'v3-legacy'] as const)(
    'in a text, its metadata or parameters leaves the row counted (%s)',
    async (mode) => {
      const traffic = sampleTraffic({
        observations: [
          sampleObservation({
            input: 'DEEP',
            metadata: { hidden_params: 'DEEP' },
            modelParameters: { tools: 'DEEP' },
          }),
        ],
      });
      await using project = await startProject({ traffic, mode });
      await using front = await startRewritingFront(project.server.url);
      front.rewrite = rewriteDeep(mode === 'events_only');
      const source = await project.open({ baseUrl: front.url });
      const { observations, unreadable } = await readAll(source);
      expect(unreadable).toEqual([]);
      const [row] = [...deduplicate(observations).values()];
      expect(row).toMatchObject({ id: 'observation-1', usageDetails: { total: 120 } });
      const { rows } = await readAllContent(source);
      const content = row?.content ?? rows[0]?.content;
      for (const value of [
        row?.metadata['hidden_params'],
        row?.modelParameters?.['tools'],
        content?.input,
      ]) {
        if (typeof value === 'string') continue;
        const text = JSON.stringify(value);
        expect(text).toContain(tooDeepMark);
        expect(text.indexOf('"')).toBeLessThan(deepestLevel + 1);
      }
      expect(JSON.stringify([row, content])).toContain(tooDeepMark);
    },
  );

  it('as a row or an answer is told as such', async () => {
    await using project = await startProject();
    await using front = await startRewritingFront(project.server.url);
    const source = await project.open({ baseUrl: front.url });
    front.rewrite = (path, answer) =>
      path.startsWith(v2Path) && !path.includes('cursor=')
        ? { ...answer, body: `{"data":[${deepJson}],"meta":{}}` }
        : answer;
    const { unreadable } = await readAll(source);
    expect(unreadable.length).toBeGreaterThan(0);
    expect(unreadable[0]?.raw).toContain(tooDeepMark);
    front.rewrite = (_path, answer) => ({ ...answer, body: deepJson });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });
});
