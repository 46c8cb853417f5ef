/** deploy/compose: what it sets, calls and names is what the worker knows. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandNames } from '../../src/config/command-names.ts';
import { listSettings } from '../../src/config/list-settings.ts';

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly healthcheck?: { readonly test: readonly unknown[] };
}

const path = fileURLToPath(new URL('../../deploy/compose/compose.yaml', import.meta.url));
const { services } = parse(readFileSync(path, 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};
const workers = Object.entries(services).filter(([name]) => name !== 'mlflow');

test('each worker takes only settings, commands and flags that there are', () => {
  expect(workers.map(([name]) => name)).toEqual(['worker', 'schedule']);
  const settings = listSettings().map(({ setting }) => setting);
  for (const [, { command = ['sync'], environment = {}, read_only: isReadOnly }] of workers) {
    const names = new Set(settings.flatMap(({ env }) => env));
    expect(Object.keys(environment).filter((name) => !names.has(name))).toEqual([]);
    expect(commandNames).toContain(command[0]);
    expect(isReadOnly).toBe(true);
  }
});

test('MLflow answers to the name by which the workers call it', () => {
  const flag = services['mlflow']?.command?.find((word) => word.startsWith('--allowed-hosts='));
  const allowed = flag?.split('=')[1]?.split(',');
  for (const [, { environment }] of workers) {
    expect(allowed).toContain(new URL(environment?.['MLFLOW_TRACKING_URI'] ?? '').host);
  }
});

test.each([
  ['is well', 200, 0],
  ['is not well', 503, 1],
])('the health check of schedule tells that it %s', async (_case, status, exitCode) => {
  const [kind, program, flag, code] = services['schedule']?.healthcheck?.test ?? [];
  expect([kind, program, flag, typeof code]).toEqual(['CMD', 'node', '-e', 'string']);
  const listen = services['schedule']?.command?.at(-1) ?? '';
  expect(String(code)).toContain(`"http://${listen}/healthz"`);
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? status : 404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const script = String(code).replace(listen, `127.0.0.1:${port}`);
  const ended = await new Promise((resolve) => {
    execFile(process.execPath, ['-e', script], (error) => resolve(error === null ? 0 : error.code));
  });
  server.close();
  expect(ended).toBe(exitCode);
});
