/**
 * Checks an SQL expression of the settings file by SQLite itself, on an empty table and on two made-up facts in
 * memory: what SQLite compiles it to says what it reads and calls, whatever its text looks like.
 */
import Database from 'better-sqlite3';
import type { CheckedSql, CheckSql } from '../shared/measures.ts';
import { refuseTokens, toTokens } from './expression-tokens.ts';
import { migrate, readMigrations } from './migrate.ts';

const longestSql = 4000;

/** Disposing closes its memory. */
export interface ExpressionCheck extends Disposable {
  readonly check: CheckSql;
}

/** Opens the tables in memory; the state file is not touched. */
export function openExpressionCheck(): ExpressionCheck {
  const db = new Database(':memory:');
  migrate(db, readMigrations());
  // Without an index each reading of a table is one cursor, which is counted below.
  db.exec(
    `CREATE TABLE no_facts AS SELECT * FROM facts; CREATE TABLE two_facts AS SELECT * FROM facts`,
  );
  fillTwoFacts(db);
  // Functions that SQLite holds for unsafe in a schema are refused in the index below.
  db.pragma('trusted_schema = OFF');
  const refusedCalls = listRefusedCalls(db);
  return {
    check: (expression) => checkExpression({ db, refusedCalls }, expression),
    [Symbol.dispose]: () => db.close(),
  };
}

interface Checking {
  readonly db: Database.Database;
  /** Names of functions, and why. */
  readonly refusedCalls: ReadonlyMap<string, string>;
}

function checkExpression(checking: Checking, expression: CheckedSql): string | null {
  const { db } = checking;
  const { kind, sql } = expression;
  if (sql.length > longestSql) return `is longer than ${longestSql} characters`;
  const refused = refuseTokens(toTokens(sql));
  if (refused !== null) return refused;
  try {
    const opcodes = db.prepare(`EXPLAIN ${toQuery(expression, 'no_facts')}`).all() as Opcode[];
    return (
      checkCompiled(opcodes, checking.refusedCalls) ??
      (kind === 'metric' ? checkAggregate(db, expression) : checkScalar(db, expression))
    );
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    return `SQLite refuses: ${error.message}`;
  }
}

function toQuery({ kind, sql }: CheckedSql, table: string): string {
  // As in the queries: an expression that needs the brackets to be gone does not compile.
  return kind === 'filter'
    ? `SELECT 1 FROM ${table} WHERE (${sql})`
    : `SELECT (${sql}) FROM ${table}`;
}

interface Opcode {
  readonly opcode: string;
  readonly p4: string | number | null;
}

const foreignReads = new Set(['VOpen', 'VFilter', 'OpenWrite', 'OpenDup', 'Program']);
const calls = new Set([
  'Function',
  'PureFunc',
  'AggStep',
  'AggStep1',
  'AggFinal',
  'AggInverse',
  'AggValue',
]);

function checkCompiled(
  opcodes: readonly Opcode[],
  refusedCalls: ReadonlyMap<string, string>,
): string | null {
  const cursors = opcodes.filter(({ opcode }) => opcode === 'OpenRead').length;
  if (cursors > 1 || opcodes.some(({ opcode }) => foreignReads.has(opcode))) {
    return 'reads another table; only the columns of a fact may be used';
  }
  for (const { opcode, p4 } of opcodes) {
    if (!calls.has(opcode)) continue;
    const name = /^(.*)\(-?\d+\)$/.exec(String(p4))?.[1] ?? String(p4);
    const why = refusedCalls.get(name.toLowerCase());
    if (why !== undefined) return `calls ${name}(), ${why}`;
  }
  return null;
}

/** Bits of SQLite's `function_list`. */
const deterministic = 0x8_00;
const directOnly = 0x8_00_00;

interface SqlFunction {
  readonly name: string;
  readonly type: string;
  readonly flags: number;
}

/** Aggregates carry no flag that says so, yet are as deterministic as what they are given. */
function isDeterministic({ type, flags }: SqlFunction): boolean {
  return (type === 'w' || (flags & deterministic) !== 0) && (flags & directOnly) === 0;
}

function listRefusedCalls(db: Database.Database): Map<string, string> {
  const functions = db.pragma('function_list') as SqlFunction[];
  const allowed = new Set(functions.filter(isDeterministic).map(({ name }) => name.toLowerCase()));
  const refused = new Map<string, string>();
  for (const { name } of functions) {
    if (allowed.has(name.toLowerCase())) continue;
    refused.set(name.toLowerCase(), 'whose result does not depend on the facts alone');
  }
  for (const name of [
    'group_concat',
    'string_agg',
    'json_group_array',
    'jsonb_group_array',
    'json_group_object',
    'jsonb_group_object',
  ]) {
    refused.set(name, 'whose result depends on the order of facts');
  }
  for (const name of ['printf', 'format', 'zeroblob']) {
    refused.set(name, 'which can take any amount of memory');
  }
  refused.set('sqlite_log', 'which writes a log');
  return refused;
}

function checkAggregate(db: Database.Database, metric: CheckedSql): string | null {
  if (db.prepare(toQuery(metric, 'no_facts')).all().length !== 1) {
    return 'is no aggregate: it gives a value for each fact. Put SUM, AVG, COUNT, MAX or percentile(…, 95) around it';
  }
  const valueOn = (table: string): unknown => db.prepare(toQuery(metric, table)).pluck().get();
  const value = valueOn('two_facts');
  if (value !== null && typeof value !== 'number') return 'gives text, and a metric is a number';
  return Object.is(value, valueOn('(SELECT * FROM two_facts ORDER BY start_ms DESC LIMIT 2)'))
    ? null
    : 'depends on the order of facts: a column stands outside of the aggregates';
}

/** SQLite indexes only what depends on the row alone: no aggregate, no other table, not the time. */
function checkScalar(db: Database.Database, expression: CheckedSql): string | null {
  db.prepare(toQuery(expression, 'two_facts')).all();
  db.prepare('SAVEPOINT scalar').run();
  try {
    db.prepare(`CREATE INDEX scalar ON two_facts ((${expression.sql}))`).run();
    return null;
  } finally {
    db.prepare('ROLLBACK TO scalar').run();
    db.prepare('RELEASE scalar').run();
  }
}

function fillTwoFacts(db: Database.Database): void {
  const columns = db.pragma('table_info(two_facts)') as { name: string; type: string }[];
  for (const nth of [1, 2]) {
    const values = columns.map(({ name, type }) => {
      if (name === 'tags') return `["a","b${nth}"]`;
      if (name === 'metadata' || name === 'parameters') return `{"a":${nth}}`;
      if (name.startsWith('is_')) return nth - 1;
      return type === 'TEXT' ? `text ${nth}` : nth * 1000;
    });
    db.prepare(`INSERT INTO two_facts VALUES (${columns.map(() => '?').join(', ')})`).run(values);
  }
}
