/**
 * Folds the state files of a sharded backfill into one. Every window is folded again, from the facts of its shard, by
 * the same code and in the same order as if it had just been read: so that what spans shards (a trace, a request's
 * attempts, the two logs of one call) comes out as in a backfill that read all windows itself.
 */
import type { ResolvedGeneration } from '../litellm/generation.ts';
import { factColumns, toResolvedGeneration, type Fact } from './fact.ts';
import { foldWindow } from './fold-window.ts';
import { computeInputHash } from './input-hash.ts';
import type { State } from './open-state.ts';
import { openStaging } from './staging.ts';
import { bindTarget, listTargets } from './targets.ts';
import { listWindows, putWindow, setInputHash, toInterval, type WindowRow } from './windows.ts';

const rowsAtOnce = 1000;

export interface FoldShards {
  readonly source: string;
  /** By number. */
  readonly shards: readonly State[];
  /** Of which calls the text stays. */
  readonly keepsText: (generation: ResolvedGeneration) => boolean;
  /** Before each window: told how many are folded, and may throw to stop. */
  readonly onWindow: (done: number) => void;
}

/**
 * `out` must hold no window of the shards, be bound to the project, and be of no use when this throws: it is left
 * halfway. Nothing is published there yet for any window; which runs there are is known by the ledger.
 */
export function foldShards(out: State, asked: FoldShards): void {
  const { source, shards } = asked;
  for (const shard of shards) copyWhatIsKept(out, shard);
  let done = 0;
  for (const shard of shards) {
    for (const row of listWindows(shard, source)) {
      asked.onWindow(done);
      foldOne(out, { shard, row, keepsText: asked.keepsText });
      done += 1;
    }
  }
  // A score or a row may belong to windows of other shards: only now is all of it there.
  out.db.transaction(() => {
    for (const { from_ms: fromMs } of listWindows(out, source)) {
      const inputHash = computeInputHash(out, source, fromMs);
      setInputHash(out, { source, fromMs, inputHash });
    }
  })();
}

function foldOne(
  out: State,
  from: {
    readonly shard: State;
    readonly row: WindowRow;
    readonly keepsText: FoldShards['keepsText'];
  },
): void {
  const { row } = from;
  const { source } = row;
  const staging = openStaging(out);
  let page: ResolvedGeneration[] = [];
  const facts = from.shard.db
    .prepare(
      `SELECT ${factColumns.join(', ')} FROM facts WHERE source = ? AND window_from_ms = ? ORDER BY trace_id, id`,
    )
    .iterate(source, row.from_ms) as IterableIterator<Fact>;
  for (const fact of facts) {
    page.push(toResolvedGeneration(fact));
    if (page.length < rowsAtOnce) continue;
    staging.append({ generations: page, traces: [] });
    page = [];
  }
  staging.append({ generations: page, traces: [] });
  out.db
    .transaction(() => {
      foldWindow(out, {
        source,
        window: toInterval(row),
        // The facts were understood with their texts when they were read.
        readsText: () => false,
        keepsText: from.keepsText,
      });
      putWindow(out, row);
    })
    .immediate();
  staging.clear();
}

/** Texts, scores, traces, quarantine and ledger: what needs no folding. Of what is there twice, the newest wins. */
function copyWhatIsKept(out: State, shard: State): void {
  const { db } = out;
  db.prepare('ATTACH DATABASE ? AS shard').run(shard.path);
  try {
    db.transaction(() => {
      copyRows(out, 'messages', 'DO NOTHING');
      copyRows(out, 'masked_texts', 'DO NOTHING');
      copyRows(
        out,
        'contents',
        `DO UPDATE SET ${assignments(out, 'contents')}
         WHERE (excluded.updated_ms, excluded.content_hash) > (contents.updated_ms, contents.content_hash)`,
      );
      copyRows(
        out,
        'traces',
        `DO UPDATE SET ${assignments(out, 'traces')} WHERE excluded.updated_ms >= traces.updated_ms`,
      );
      copyRows(
        out,
        'scores',
        `DO UPDATE SET ${assignments(out, 'scores')}
         WHERE COALESCE(excluded.updated_ms, 0) >= COALESCE(scores.updated_ms, 0)`,
      );
      copyRows(out, 'quarantine', 'DO NOTHING');
      copyLedger(out, shard);
    })();
  } finally {
    db.exec('DETACH DATABASE shard');
  }
}

function copyRows(out: State, table: string, onConflict: string): void {
  const columns = columnsOf(out, table).join(', ');
  out.db.exec(
    `INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM shard.${table} WHERE true
     ON CONFLICT ${onConflict}`,
  );
}

/**
 * A call that moved to a window of another shard while they read may have a request's run from both: the ledger keeps
 * one as `creating`, so that whoever publishes it looks for all of its key, and deletes those that are too many.
 */
function copyLedger(out: State, shard: State): void {
  const [target] = listTargets(shard);
  if (target === undefined) return;
  const targetId = bindTarget(out, {
    uri: target.uri,
    experimentName: target.experiment_name,
    experimentId: target.experiment_id,
  });
  const columns = columnsOf(out, 'ledger').filter((name) => name !== 'target_id');
  out.db
    .prepare(
      `INSERT INTO main.ledger (target_id, ${columns.join(', ')})
       SELECT @targetId, ${columns.join(', ')} FROM shard.ledger WHERE true
       ON CONFLICT DO UPDATE SET state = 'creating'`,
    )
    .run({ targetId });
}

function columnsOf({ db }: State, table: string): string[] {
  return db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
}

function assignments(out: State, table: string): string {
  return columnsOf(out, table)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
}
