import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import { emptyTraffic } from '../support/empty-traffic.ts';
import { customAuth, sendCalls } from '../support/litellm-calls.ts';
import { litellmKey, mockModels, startLitellm } from '../support/litellm-proxy.ts';
import { catchSpans, toFixture } from '../support/litellm-sent.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';
import { runCli } from '../support/run-cli.ts';

const fixture = fileURLToPath(
  new URL('../fixtures/litellm-sent/langfuse-callback.json', import.meta.url),
);

/** As such files are after two years: anchors, merges, odd indents, a list by alias, an old callback, a misplaced key. */
const messy = `# Gateway of the platform team.\t(ask in #llm before you touch it)
x-provider: &provider          # merged into each model
  model: openai/gpt-4o-mini
  api_key: sk-made-up

model_list:
  - model_name: mock-gpt       # "the" model
    litellm_params:
      <<: *provider
      mock_response: The quick brown fox jumps over the lazy dog.
    litellm_settings:          # never did anything
      success_callback: ["langfuse"]
  - model_name: "mock-failing"
    litellm_params: { <<: *provider, mock_response: 'litellm.RateLimitError' }

general_settings:
    master_key: sk-litellm-made-up
    custom_auth: custom_auth.user_api_key_auth

router_settings: {num_retries: 0}

# --- callbacks ---------------------------------------------------------
litellm_settings:
    # success_callback: ["langfuse"]   (was on in 2024)
    success_callback: &sinks ['mlflow']   # one MLflow run per request, until May
    failure_callback: *sinks
    callbacks:
    - mlflow_callback.proxy_handler_instance
    - watch.handler            # ours
    langfuse_default_tags:
    - user_api_key_alias
    - "cache_hit"
    cache: yes
    cache_params:
        type: local
`.replaceAll('\n', '\r\n');

/** A callback of the team's own: it must be there after the edit. */
const watch = `from litellm.integrations.custom_logger import CustomLogger

class Watch(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        print("watched " + kwargs["model"], flush=True)

handler = Watch()
`;

const files = { 'custom_auth.py': customAuth, 'watch.py': watch };
const keys = { publicKey: 'pk-lf-sample', secretKey: 'sk-lf-sample' };

describeWithLitellm('a proxy whose config was edited by update-config', () => {
  let folder: string;
  let edited: string;
  let outcomes: unknown[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-updated-'));
    const file = join(folder, 'config.yaml');
    await writeFile(file, messy);
    outcomes = [];
    for (const more of [[], ['--check']]) {
      const args = ['litellm', 'update-config', file, '--remove-mlflow', '--json', ...more];
      const end = await runCli(args, { cwd: folder });
      outcomes.push(JSON.parse(end.stdout));
    }
    edited = await readFile(file, 'utf8');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('was edited once, with each comment kept and the misplaced key named', () => {
    expect(outcomes).toMatchObject([
      {
        changed: true,
        findings: [{ code: 'settings_nested', kind: 'trap', line: 11 }],
        exit_code: 0,
      },
      { check: { edit_due: false, traps: 1 }, exit_code: 3 },
    ]);
    for (const comment of messy.match(/#.*/g) ?? []) expect(edited).toContain(comment);
  });

  test('sends what the fixture holds, and the further tags', async () => {
    await using catcher = await catchSpans();
    await using litellm = await startLitellm({
      config: edited,
      files,
      langfuse: { url: catcher.url, keys },
    });
    await sendCalls(litellm.url, catcher);
    const added = ['user_api_key_team_alias:Platform', 'user_api_key_user_id:dev@example.com'];
    const sent = JSON.stringify(toFixture(catcher.spans));
    for (const tag of added) expect(sent).toContain(tag);
    const without = added.reduce(
      (text, tag) => text.replaceAll(`,${JSON.stringify({ stringValue: tag })}`, ''),
      sent,
    );
    expect(JSON.parse(without)).toEqual(JSON.parse(await readFile(fixture, 'utf8')));
    // The team's own callback was left in.
    expect(await litellm.readLog()).toContain('watched ');
  });

  test('brings successes and failures into Langfuse', async () => {
    const langfuse = await startSampleServer({ traffic: emptyTraffic });
    try {
      await using litellm = await startLitellm({ config: edited, files, langfuse });
      for (const model of ['mock-gpt', 'mock-failing']) {
        const answer = await fetch(`${litellm.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: 'Bearer sk-made-up-key', 'content-type': 'application/json' },
          body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello.' }] }),
        });
        expect(answer.status).toBe(model === 'mock-gpt' ? 200 : 429);
      }
      await vi.waitFor(() => {
        const rows = langfuse.store.view().observations;
        expect(rows.map((row) => row.level).toSorted()).toEqual(['DEFAULT', 'ERROR']);
        const answered = rows.find((row) => row.level === 'DEFAULT');
        expect(answered?.usageDetails).toMatchObject({ input: 10, output: 20, total: 30 });
        expect(answered?.metadata['user_api_key_alias']).toBe('agents-key');
      }, 20_000);
    } finally {
      await langfuse.close();
    }
  });

  test('takes the litellm_settings of an included file in place of its own, as update-config does', async () => {
    const place = await mkdtemp(join(folder, 'included-'));
    const parts = {
      'config.yaml': `${mockModels}general_settings:\n  master_key: ${litellmKey}\ninclude:\n  - parts.yaml\nlitellm_settings:\n  success_callback: ["langfuse"]\n  failure_callback: ["langfuse"]\n`,
      'parts.yaml': 'litellm_settings:\n  drop_params: true\n',
    };
    for (const [name, text] of Object.entries(parts)) await writeFile(join(place, name), text);
    /** The success callbacks that the proxy says at its start. */
    const callbacksOf = async (these: Record<string, string>): Promise<string | undefined> => {
      await using litellm = await startLitellm({
        config: these['config.yaml'] ?? '',
        files: these,
        langfuse: { url: 'http://127.0.0.1:9', keys },
      });
      return /Initialized Success Callbacks - (\[.*\])/.exec(await litellm.readLog())?.[1];
    };
    expect(await callbacksOf(parts)).toBeUndefined();
    const end = await runCli(['litellm', 'update-config', 'config.yaml', '--json'], { cwd: place });
    expect(JSON.parse(end.stdout)).toMatchObject({
      edited_file: 'parts.yaml',
      findings: [{ code: 'settings_replaced', file: 'config.yaml' }],
    });
    const after = await readFile(join(place, 'parts.yaml'), 'utf8');
    expect(await callbacksOf({ ...parts, 'parts.yaml': after })).toBe("['langfuse']");
  });
});
