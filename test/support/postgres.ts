/** Databases on a PostgreSQL that is at hand, each for one test file. POSTGRES_TEST_URL names another server. */
import { randomUUID } from 'node:crypto';
import { mlflowProgram, run, type MlflowInstall } from './mlflow-install.ts';

const serverUrl =
  process.env['POSTGRES_TEST_URL'] ?? 'postgresql://postgres@127.0.0.1:5432/postgres';

export interface PostgresDatabase extends AsyncDisposable {
  /** As MLflow's `--backend-store-uri` takes it. */
  readonly url: string;
}

/** Why no test can use PostgreSQL here; null when one answers. The driver comes with the newest MLflow of the tests. */
export async function findPostgresProblem(install: MlflowInstall): Promise<string | null> {
  if (install.folder === null) return install.problem;
  const { code, stderr } = await execute(install.folder, 'SELECT 1');
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  return code === 0 ? null : `no PostgreSQL answers: ${reason}`;
}

export async function createPostgresDatabase(folder: string): Promise<PostgresDatabase> {
  const name = `langfuse_mlflow_${randomUUID().replaceAll('-', '')}`;
  await must(folder, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    // Which driver a plain postgresql: means depends on SQLAlchemy's version.
    url: url.href.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
    [Symbol.asyncDispose]: () => must(folder, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function must(folder: string, statement: string): Promise<void> {
  const { code, stderr } = await execute(folder, statement);
  if (code !== 0) throw new Error(`${statement}: ${stderr}`);
}

const script = `
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1], connect_timeout=5)
connection.autocommit = True
connection.cursor().execute(sys.argv[2])
`;

function execute(
  folder: string,
  statement: string,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  return run(mlflowProgram(folder, 'python'), ['-c', script, serverUrl, statement]);
}
