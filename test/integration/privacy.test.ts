/** What a team decides about texts and names holds in the state file, in MLflow and against `verify`, whole syncs long. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { SampleObservation, SampleTraffic } from '../../src/demo/sample-types.ts';
import { createSmallTraffic, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const key = ['sk', 'proj', 'aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zC'.repeat(2)].join('-');
const mail = 'jane.doe@example.com';

/** Every failed call says a key in its error, and every tenth call has one and an address in its prompt. */
function withSecrets(traffic: SampleTraffic): SampleTraffic {
  return {
    ...traffic,
    observations: traffic.observations.map((row, position): SampleObservation => {
      const said =
        position % 10 === 0
          ? { input: { messages: [{ role: 'user', content: `use ${key} of ${mail}` }] } }
          : {};
      const failed =
        row.statusMessage === null ? {} : { statusMessage: `${row.statusMessage} (key ${key})` };
      return { ...row, ...said, ...failed };
    }),
  };
}

const traffic = withSecrets(createSmallTraffic());
let bench: SyncBench | null = null;

afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
  bench = null;
});

async function syncWith(env: Readonly<Record<string, string>>): Promise<SyncBench> {
  bench = await openSyncBench({ traffic, nowMs: nightAfter(1), env });
  expect((await bench.sync()).failed).toEqual([]);
  return bench;
}

/** Every file of the bench's folder but the state file, as one text: MLflow's store and its artifacts. */
function readMlflow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('langfuse-mlflow.db'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

function readArtifacts(folder: string, name: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === name)
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

/** All that the state file holds, its compressed texts included. */
function readState(from: SyncBench): string {
  const tables = from.query<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  return tables
    .flatMap(({ name }) => from.query<Record<string, unknown>>(`SELECT * FROM "${name}"`))
    .flatMap((row) => Object.values(row))
    .map((value) => (Buffer.isBuffer(value) ? inflated(value) : String(value)))
    .join('\n');
}

function inflated(value: Buffer): string {
  try {
    return inflateRawSync(value).toString('utf8');
  } catch {
    // A hash, not a text.
    return value.toString('hex');
  }
}

async function expectClean(from: SyncBench, env: Readonly<Record<string, string>>): Promise<void> {
  const again = await from.sync({ env });
  expect(again.runs).toMatchObject({ created: 0, updated: 0, deleted: 0 });
  expect((await from.verify({}, { env })).isClean).toBe(true);
}

const hold = (text: string, needle: string): boolean => text.includes(needle);

describe('masking', () => {
  it('leaves no credential in the state file and in MLflow, says what was masked, and verify agrees', async () => {
    const from = await syncWith({});
    expect(hold(readState(from), key)).toBe(false);
    const mlflow = readMlflow(from.folder);
    expect(hold(mlflow, key)).toBe(false);
    expect(hold(mlflow, mail)).toBe(true);
    expect(hold(mlflow, '[redacted: openai key]')).toBe(true);
    const manifests = readArtifacts(from.folder, 'manifest.json').map(
      (text) => JSON.parse(text) as { redacted: Record<string, number>; text: string },
    );
    expect(manifests.map(({ redacted }) => redacted['openai key'] ?? 0)).not.toContain(0);
    expect(
      readArtifacts(from.folder, 'transcript.md').some((one) => one.includes('- masked: ')),
    ).toBe(true);
    await expectClean(from, {});
  });

  it('of other rules is applied to what was kept before, at once where it is shown', async () => {
    const from = await syncWith({ SYNC_REDACT: 'none' });
    expect(hold(readMlflow(from.folder), key)).toBe(true);
    const env = { SYNC_REDACT: 'credentials,email', SYNC_LOOKBACK: '0s' };
    expect((await from.sync({ env })).failed).toEqual([]);
    const transcripts = readArtifacts(from.folder, 'transcript.md').join('\n');
    expect(hold(transcripts, key)).toBe(false);
    expect(hold(transcripts, mail)).toBe(false);
    expect(hold(readArtifacts(from.folder, 'errors.json').join('\n'), key)).toBe(false);
    // The state file follows when its windows are read again.
    await from.sync({ env: { ...env, SYNC_LOOKBACK: '7d' } });
    const state = readState(from);
    expect([hold(state, key), hold(state, mail)]).toEqual([false, false]);
    await expectClean(from, { ...env, SYNC_LOOKBACK: '7d' });
  });

  it('by own patterns is named after them', async () => {
    const env = { SYNC_REDACT_PATTERNS: 'house mail=[a-z.]+@example\\.com' };
    const from = await syncWith(env);
    expect(hold(readState(from), mail)).toBe(false);
    expect(hold(readMlflow(from.folder), '[redacted: house mail]')).toBe(true);
    await expectClean(from, env);
  });
});

const sumsSql = `SELECT model, COUNT(*) AS n, SUM(total_tokens) AS tokens, SUM(cost_usd) AS cost,
  SUM(is_error) AS errors, SUM(latency_ms) AS latency FROM counted_facts GROUP BY model ORDER BY model`;

describe('numbers do not depend on which text is kept', () => {
  it.each([
    ['errors', { onlyErrors: true, wholeSessions: false, some: true }],
    ['sampled:0.3', { onlyErrors: false, wholeSessions: true, some: true }],
    ['off', { onlyErrors: true, wholeSessions: true, some: false }],
  ])('SYNC_CONTENT=%s', async (mode, expected) => {
    const env = { SYNC_CONTENT: mode };
    const from = await syncWith(env);
    const kept = from.query<{ session: string; is_error: number; kept: number }>(
      `SELECT COALESCE(session_id, trace_id) AS session, is_error, content_hash IS NOT NULL AS kept FROM facts`,
    );
    const contents = from.query<{ n: number }>('SELECT COUNT(*) AS n FROM contents')[0]?.n;
    expect(contents).toBe(kept.filter((row) => row.kept === 1).length);
    const sessions = new Map<string, Set<number>>();
    for (const row of kept) {
      sessions.set(row.session, (sessions.get(row.session) ?? new Set()).add(row.kept));
    }
    const torn = [...sessions.values()].filter((states) => states.size > 1).length;
    const withText = kept.filter((row) => row.kept === 1);
    const share = [...sessions.values()].filter((states) => states.has(1)).length / sessions.size;
    expect({
      onlyErrors: withText.every((row) => row.is_error === 1),
      wholeSessions: torn === 0,
      some: share > 0.1 && share < 0.5,
    }).toEqual(expected);
    // No text is left that no call has.
    const state = from.query<{ n: number }>('SELECT COUNT(*) AS n FROM messages')[0]?.n ?? 0;
    expect(state === 0).toBe(mode === 'off');
    const transcripts = readArtifacts(from.folder, 'transcript.md').join('\n');
    expect(transcripts).toContain(`(SYNC_CONTENT=${mode})`);
    const sums = from.query(sumsSql);
    await expectClean(from, env);
    await from[Symbol.asyncDispose]();
    expect(sums).toEqual((await syncWith({})).query(sumsSql));
  });

  it('a setting that keeps less takes away what was kept, when its windows are read again', async () => {
    const from = await syncWith({});
    await from.sync({ env: { SYNC_CONTENT: 'off' } });
    expect(from.query('SELECT 1 FROM contents LIMIT 1')).toEqual([]);
    expect(from.query('SELECT 1 FROM messages LIMIT 1')).toEqual([]);
    const transcripts = readArtifacts(from.folder, 'transcript.md').join('\n');
    expect(transcripts).toContain('The text of this call is not kept (SYNC_CONTENT=off).');
    expect(transcripts).not.toContain('The text of this call was not read.');
    await expectClean(from, { SYNC_CONTENT: 'off' });
  });
});

describe('names', () => {
  it('are nowhere but as hashes, the same for the same name, and sums by them are the same', async () => {
    const plain = await syncWith({ SYNC_CONTENT: 'off' });
    const sql = `SELECT user_id AS name, COUNT(*) AS n FROM facts WHERE user_id IS NOT NULL GROUP BY user_id ORDER BY n, name`;
    const before = plain.query<{ name: string; n: number }>(sql);
    const sessions = plain.query<{ n: number }>(
      'SELECT COUNT(DISTINCT session_id) AS n FROM facts',
    );
    const aliases = plain
      .query<{ name: string }>(
        'SELECT DISTINCT key_alias AS name FROM facts WHERE key_alias IS NOT NULL',
      )
      .map(({ name }) => name);
    await plain[Symbol.asyncDispose]();

    const env = {
      SYNC_CONTENT: 'off',
      SYNC_HASH_NAMES: 'users,keys,teams',
      SYNC_HASH_KEY: '0123456789abcdef0123456789abcdef',
    };
    const from = await syncWith(env);
    const after = from.query<{ name: string; n: number }>(sql);
    expect(after.map(({ n }) => n)).toEqual(before.map(({ n }) => n));
    for (const { name } of after) expect(name).toMatch(/^user:[0-9a-f]{16}$/);
    expect(from.query('SELECT COUNT(DISTINCT session_id) AS n FROM facts')).toEqual(sessions);
    // The name of a prompt, which is no one's, has one of the aliases in it.
    const everything = `${readState(from)}\n${readMlflow(from.folder)}`.replaceAll(
      'migration-planner',
      '',
    );
    expect(before.length).toBeGreaterThan(3);
    expect(aliases.length).toBeGreaterThan(1);
    const leaked = [...before.map(({ name }) => name), ...aliases].filter((name) =>
      hold(everything, name),
    );
    expect(leaked).toEqual([]);
    await expectClean(from, env);
  });
});
