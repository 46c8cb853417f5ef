/**
 * Reads several sources at once as one. At most `concurrency` sources are open, and each holds at most one page
 * that was not taken yet: a slow consumer slows the reading down (back-pressure), so that memory stays at about
 * `concurrency` pages however long the window is.
 *
 * The first failure ends all of them. Each source gets a signal that aborts when the consumer stops early, too.
 */
export async function* mergePages<T>(merging: {
  readonly sources: readonly ((signal: AbortSignal) => AsyncIterable<T>)[];
  readonly concurrency: number;
  readonly signal: AbortSignal;
}): AsyncGenerator<T, void, undefined> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(merging.signal.reason);
  merging.signal.addEventListener('abort', onAbort, { once: true });
  if (merging.signal.aborted) onAbort();

  const waiting = merging.sources.values();
  const open = new Map<
    AsyncIterator<T>,
    Promise<{ iterator: AsyncIterator<T>; result: IteratorResult<T> }>
  >();
  /** The source of the page that the consumer has in hand: not open, and to be closed when it does not come back. */
  let taken: AsyncIterator<T> | null = null;
  const advance = (iterator: AsyncIterator<T>): void => {
    const next = iterator.next().then((result) => ({ iterator, result }));
    // A failure is met by the race below; until the consumer comes back it must not count as unhandled.
    next.catch(() => undefined);
    open.set(iterator, next);
  };
  const openNext = (): void => {
    const source = waiting.next();
    if (!source.done) advance(source.value(stop.signal)[Symbol.asyncIterator]());
  };

  try {
    for (let i = 0; i < Math.max(1, merging.concurrency); i++) openNext();
    while (open.size > 0) {
      const { iterator, result } = await Promise.race(open.values());
      open.delete(iterator);
      if (result.done) {
        openNext();
      } else {
        taken = iterator;
        yield result.value;
        taken = null;
        advance(iterator);
      }
    }
  } finally {
    merging.signal.removeEventListener('abort', onAbort);
    const left = [...open.entries()];
    stop.abort(new Error('no longer read'));
    await taken?.return?.();
    await Promise.allSettled(
      left.map(async ([iterator, pending]) => pending.then(() => iterator.return?.())),
    );
  }
}
