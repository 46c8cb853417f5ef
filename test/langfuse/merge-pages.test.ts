import { describe, expect, it } from 'vitest';
import { mergePages } from '../../src/langfuse/merge-pages.ts';

const never = new AbortController().signal;

/** Sources that count what was asked of them. */
function countingSources(count: number, pages: number) {
  let asked = 0;
  let open = 0;
  let mostOpen = 0;
  const sources = Array.from(
    { length: count },
    (_, source) =>
      async function* () {
        open += 1;
        mostOpen = Math.max(mostOpen, open);
        try {
          for (let page = 0; page < pages; page++) {
            asked += 1;
            await Promise.resolve();
            yield `${source}/${page}`;
          }
        } finally {
          open -= 1;
        }
      },
  );
  return { sources, asked: () => asked, open: () => open, mostOpen: () => mostOpen };
}

describe('mergePages', () => {
  it('gives every page of every source, at most that many open at once', async () => {
    const counting = countingSources(7, 5);
    const seen: string[] = [];
    for await (const page of mergePages({
      sources: counting.sources,
      concurrency: 3,
      signal: never,
    }))
      seen.push(page);
    expect(new Set(seen).size).toBe(35);
    expect(counting.mostOpen()).toBe(3);
    expect(counting.open()).toBe(0);
  });

  it('asks no further than is taken, plus one page for each source', async () => {
    const counting = countingSources(3, 100);
    const merged = mergePages({ sources: counting.sources, concurrency: 3, signal: never });
    for (let i = 0; i < 10; i++) await merged.next();
    await new Promise(setImmediate);
    expect(counting.asked()).toBeLessThanOrEqual(10 + 3);
    await merged.return();
    expect(counting.open()).toBe(0);
  });

  it('the first failure ends all, and is the one that is thrown', async () => {
    const counting = countingSources(2, 1000);
    const failing = async function* (): AsyncGenerator<string> {
      yield 'ok';
      await Promise.resolve();
      throw new Error('broken');
    };
    const read = async (): Promise<void> => {
      for await (const _ of mergePages({
        sources: [...counting.sources, failing],
        concurrency: 3,
        signal: never,
      })) {
        await new Promise(setImmediate);
      }
    };
    await expect(read()).rejects.toThrow('broken');
    expect(counting.open()).toBe(0);
  });

  it('hands on the abort', async () => {
    const stop = new AbortController();
    const waiting = async function* (signal: AbortSignal): AsyncGenerator<string> {
      yield 'first';
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    const merged = mergePages({ sources: [waiting], concurrency: 1, signal: stop.signal });
    await merged.next();
    const next = merged.next();
    stop.abort(new Error('stopped'));
    await expect(next).rejects.toThrow('stopped');
  });
});
