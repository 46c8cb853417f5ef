import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandNames } from '../../src/config/command-names.ts';
import { listSettings } from '../../src/config/list-settings.ts';
import { addSettingOptions } from '../../src/config/setting-options.ts';
import { toFlagKey } from '../../src/config/setting.ts';
import { keys, now, parse } from './settings-input.ts';

const settings = listSettings().map(({ setting }) => setting);

describe('the table', () => {
  test('no two settings share a name or a flag', () => {
    const names = settings.flatMap(({ env }) => env);
    const flags = settings.map((setting) => (setting.isSecret ? setting.fileFlag : setting.flag));
    expect(names).toHaveLength(new Set(names).size);
    expect(flags).toHaveLength(new Set(flags).size);
  });

  test.each(settings.map((setting) => [setting.env[0], setting] as const))(
    '%s takes its own example and default',
    (name, setting) => {
      expect(() => setting.parse(setting.example, now)).not.toThrow();
      if (!setting.isSecret && setting.default !== null) setting.parse(setting.default, now);
      expect(name).toMatch(
        /^((SYNC|LANGFUSE|LITELLM|MLFLOW|SAGEMAKER|AWS)_[A-Z0-9_]+|(HTTPS?|NO)_PROXY)$/,
      );
      expect(setting.description).toMatch(/^[A-Z].*\.$/);
    },
  );
});

describe('flags', () => {
  test.each(commandNames)('%s has a flag for each of its settings, and for no other', (name) => {
    const command = new Command(name);
    addSettingOptions(command, name);
    const taken = command.options
      .map((option) => option.long)
      .filter((flag) => flag !== '--env-file');
    const expected = settings
      .filter((setting) => setting.commands.includes(name))
      .flatMap((setting) => {
        if (setting.isSecret) return [setting.fileFlag];
        return setting.placeholder === null
          ? [setting.flag, setting.flag.replace('--', '--no-')]
          : [setting.flag];
      });
    expect(new Set(taken)).toEqual(new Set(expected));
  });

  test('what commander reads is what parseSettings looks for', () => {
    const command = new Command('sync');
    addSettingOptions(command, 'sync');
    const valued = settings.filter((setting) => !setting.isSecret && setting.placeholder !== null);
    const argv = valued.flatMap((setting) =>
      setting.isSecret || !setting.commands.includes('sync') ? [] : [setting.flag, setting.example],
    );
    command.parse([...argv, '--request-runs', '--no-mlflow-tracking-insecure-tls'], {
      from: 'user',
    });
    const flags = command.opts();
    for (const setting of valued) {
      if (setting.isSecret || !setting.commands.includes('sync')) continue;
      expect(flags[toFlagKey(setting.flag)]).toBe(setting.example);
    }
    const pem = { '/etc/ssl/mlflow-ca.pem': 'PEM', '/etc/ssl/worker.pem': 'PEM' };
    const files = { ...pem, '/etc/langfuse-mlflow/custom.yaml': '' };
    const env = {
      ...keys,
      MLFLOW_TRACKING_INSECURE_TLS: 'true',
      MLFLOW_TRACKING_PASSWORD: 'pw-1234',
    };
    // The URI of the example is not that of the name.
    const together = { ...flags, mlflowTrackingServerName: undefined };
    const parsed = parse({ env, flags: together, files }).settings;
    expect(parsed.langfuse.baseUrl).toBe('https://us.cloud.langfuse.com');
    expect(parsed.windows.sizeMs).toBe(6 * 3_600_000);
    expect(parsed.content.requestRuns).toBe(true);
    expect(parsed.mlflow.insecureTls).toBe(false);
  });

  test('help names the default and the variable', () => {
    const command = new Command('sync');
    addSettingOptions(command, 'sync');
    const help = command.helpInformation().replaceAll(/\s+/g, ' ');
    expect(help).toContain('--settle <DURATION>');
    expect(help).toContain('(default: 30m, env: SYNC_SETTLE)');
    expect(help).not.toContain('--no-request-runs');
  });
});
