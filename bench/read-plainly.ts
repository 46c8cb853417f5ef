/** The floors: the same slices as the worker's over plain `fetch`, once unread, once parsed and summed. */
import pLimit from 'p-limit';
import { expandedMetadataKeys } from '../src/langfuse/expand-metadata.ts';
import { slicesPerReader } from '../src/langfuse/reader-context.ts';
import { planSlices } from '../src/langfuse/slices.ts';
import { toInstant } from '../src/shared/time.ts';
import { dayMs, type Aggregates, type Task } from './figures.ts';
import { createSum, type SummedRow } from './sum.ts';

/** Day after day, as the worker does; the slices of a day in parallel. */
export async function readPlainly(
  task: Task,
  how: { readonly parses: boolean },
): Promise<Aggregates | null> {
  const sum = createSum(task);
  const limit = pLimit(task.concurrency);
  for (let day = 0; day < task.days; day += 1) {
    const fromMs = toInstant(task.fromMs + day * dayMs);
    const slices = planSlices(
      { fromMs, toMs: toInstant(fromMs + dayMs) },
      task.concurrency * slicesPerReader,
    );
    await Promise.all(
      slices.map((slice) =>
        limit(async () => {
          for (let cursor: string | null = ''; cursor !== null;) {
            const body = await fetchPage(task, { ...slice, cursor });
            cursor = findCursor(body);
            if (!how.parses) continue;
            const page = JSON.parse(body.toString('utf8')) as { readonly data: SummedRow[] };
            for (const row of page.data) sum.add(row);
          }
        }),
      ),
    );
  }
  return how.parses ? sum.total() : null;
}

async function fetchPage(
  task: Task,
  ask: { readonly fromMs: number; readonly toMs: number; readonly cursor: string },
): Promise<Buffer> {
  const query = new URLSearchParams({
    limit: '1000',
    fromStartTime: new Date(ask.fromMs).toISOString(),
    toStartTime: new Date(ask.toMs).toISOString(),
    fields: `core,basic,time,usage,model,prompt,metrics,trace_context,metadata`,
    expandMetadata: expandedMetadataKeys.join(','),
    ...(ask.cursor === '' ? {} : { cursor: ask.cursor }),
  });
  const keys = Buffer.from(`${task.publicKey}:${task.secretKey}`).toString('base64');
  for (;;) {
    const answer = await fetch(`${task.url}/api/public/v2/observations?${query.toString()}`, {
      headers: { authorization: `Basic ${keys}` },
    });
    const body = Buffer.from(await answer.arrayBuffer());
    if (answer.ok) return body;
    if (answer.status !== 503) throw new Error(`${answer.status} ${body.toString('utf8')}`);
  }
}

/** Found without parsing: it stands behind the rows. */
function findCursor(body: Buffer): string | null {
  const name = '"cursor":"';
  const at = body.lastIndexOf(name);
  if (at < 0 || at < body.length - 400) return null;
  const begin = at + name.length;
  return body.subarray(begin, body.indexOf('"', begin)).toString('utf8');
}
