/** deploy/compose: what it sets, calls and names is what the worker knows. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandNames } from '../../src/config/command-names.ts';
import { listSettings } from '../../src/config/list-settings.ts';

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
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
