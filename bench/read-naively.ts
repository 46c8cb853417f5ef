/** What people write today: one request after the other with the official client, everything summed in memory. */
import { LangfuseClient } from '@langfuse/client';
import { dayMs, type Aggregates, type Task } from './figures.ts';
import { createSum } from './sum.ts';

function toClient(task: Task): LangfuseClient['api'] {
  const { publicKey, secretKey, url: baseUrl } = task;
  return new LangfuseClient({ publicKey, secretKey, baseUrl }).api;
}

/** All of it by one cursor, 1,000 a page. */
export async function readNaiveV2(task: Task): Promise<Aggregates> {
  const api = toClient(task);
  const sum = createSum(task);
  let cursor: string | undefined;
  do {
    const page = await api.observations.getMany({
      limit: 1000,
      fromStartTime: new Date(task.fromMs).toISOString(),
      toStartTime: new Date(task.fromMs + task.days * dayMs).toISOString(),
      fields: 'core,basic,time,usage,metadata',
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const row of page.data) sum.add(row);
    cursor = page.meta.cursor;
  } while (cursor !== undefined);
  return sum.total();
}

/** Page by page, 100 at a time, as the API before was read. */
export async function readNaiveLegacy(task: Task): Promise<Aggregates> {
  const api = toClient(task);
  const sum = createSum(task);
  for (let page = 1; ; page += 1) {
    const { data } = await api.legacy.observationsV1.getMany({
      page,
      limit: 100,
      type: 'GENERATION',
      fromStartTime: new Date(task.fromMs).toISOString(),
      toStartTime: new Date(task.fromMs + task.days * dayMs).toISOString(),
    });
    if (data.length === 0) return sum.total();
    for (const row of data) sum.add(row);
  }
}
