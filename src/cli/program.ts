/** Registers the commands. Each verb's work is loaded only when it is called. */
import { Argument, Command } from 'commander';
import type { CommandName } from '../config/command-names.ts';
import { addSettingOptions } from '../config/setting-options.ts';
import { AppError } from '../shared/errors.ts';
import { maskUsage } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
import { readVersion } from '../shared/version.ts';

type Flags = Readonly<Record<string, unknown>>;
type Verb = (around: CliSurroundings, flags: Flags, args: readonly string[]) => Promise<void>;

export function createProgram(around: CliSurroundings): Command {
  const version = readVersion();
  const program = new Command('langfuse-mlflow');
  program
    .description(
      'Syncs Langfuse traces and generations to MLflow: exact metrics per model and per session.',
    )
    .version(version, '-V, --version')
    .configureOutput({
      writeOut: (text) => {
        if (!around.isJson) around.stdout.write(text);
        else around.printJson(text.trim() === version ? { version } : { help: text });
      },
      writeErr: (text) => {
        if (!around.isJson) around.stderr.write(text);
      },
      outputError: (text, write) => write(maskUsage(around, text)),
    })
    .exitOverride()
    // Arguments are told by each command's own help; here they would leave no room.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText(
      'after',
      `
Examples:
  langfuse-mlflow demo                                       sample traffic into ./mlflow.db
  langfuse-mlflow doctor --env-file .env                     is everything reachable and allowed?
  langfuse-mlflow sync --env-file .env                       the nightly job
  langfuse-mlflow backfill --from 2026-10-01 --to 2026-11-01 --env-file .env

Exit codes: 0 done, 2 usage or settings, 3 behind, 4 some windows failed or are incomplete,
75 try again later, 130/143 stopped. Every error names what failed and the next step.`,
    );

  add(program, around, {
    name: 'sync',
    description:
      'Read what is new in Langfuse and publish it to MLflow; late rows of the lookback too.',
    example: 'langfuse-mlflow sync --env-file .env',
    load: async () => (await import('./sync-command.ts')).runSyncCommand,
  });
  add(program, around, {
    name: 'backfill',
    description:
      'Read a range (or all that is quarantined) again, or for the first time, and publish what changed.',
    example: 'langfuse-mlflow backfill --from 2026-10-01 --to 2026-11-01',
    configure: (command) =>
      command
        .option('--from <WHEN>', 'first day (2026-10-01) or instant (2026-10-01T00:00Z), UTC')
        .option('--to <WHEN>', 'end, not included: a day or instant, UTC')
        .option(
          '--quarantined',
          'instead of a range: every window that holds a quarantined row; exit code 4 while one remains',
        )
        .option(
          '--plan',
          'only tell how many windows, requests and minutes it would take, by counts of Langfuse; write nothing',
        )
        .option(
          '--shard <N/SHARDS>',
          'only this part of the range, as 3/16, into a state file of its own; merge makes one of all',
        )
        .option(
          '--shards <SHARDS>',
          'the same in a pod of an Indexed Job, whose JOB_COMPLETION_INDEX says which part',
        ),
    load: async () => (await import('./backfill-command.ts')).runBackfillCommand,
  });
  add(program, around, {
    name: 'schedule',
    description:
      'Stay up and sync by a crontab: for machines without cron. Runs never overlap; a missed start is caught up with.',
    example: 'langfuse-mlflow schedule --cron "30 2 * * *" --timezone Europe/Berlin',
    load: async () => (await import('./schedule-command.ts')).runScheduleCommand,
  });
  add(program, around, {
    name: 'merge',
    description:
      'Fold the state files of a sharded backfill into one (--state-file) and publish what spans them: sessions and trends.',
    example: 'langfuse-mlflow merge shards/*.db --state-file langfuse-mlflow.db',
    configure: (command) =>
      command.argument('<FILES...>', 'state files of all shards, in any order'),
    load: async () => (await import('./merge-command.ts')).runMergeCommand,
  });
  add(program, around, {
    name: 'status',
    description:
      'Tell from the state file alone how far each project is, what is missing and what is quarantined. Whether settings or a settings file have changed since, only sync sees.',
    example: 'langfuse-mlflow status --json',
    load: async () => (await import('./status-command.ts')).runStatusCommand,
  });
  add(program, around, {
    name: 'report',
    description:
      'Write a report of a range of windows (a week, a month) as one HTML file, from the state file alone.',
    example: 'langfuse-mlflow report --from 2026-10-01 --to 2026-11-01 --out october.html',
    configure: (command) =>
      command
        .requiredOption('--from <WHEN>', 'first day or instant, UTC; a window must begin there')
        .requiredOption('--to <WHEN>', 'end, not included: a day or instant, UTC')
        .requiredOption('--out <FILE>', 'file to write; one that is there is replaced'),
    load: async () => (await import('./report-command.ts')).runReportCommand,
  });
  add(program, around, {
    name: 'verify',
    description:
      'Compare Langfuse, the state file and MLflow, row by row and run by run; mend what differs on request.',
    example: 'langfuse-mlflow verify --from 2026-10-01 --to 2026-11-01 --repair',
    configure: (command) =>
      command
        .option('--from <WHEN>', 'first day or instant, UTC (default: the first window)')
        .option(
          '--to <WHEN>',
          'end, not included: a day or instant, UTC (default: the last window)',
        )
        .option(
          '--mode <MODE>',
          "full: read every row and run again; counts: hold Langfuse's own counts against the state file, in a few requests",
          'full',
        )
        .option('--repair', 'mend what differs: read windows again, publish runs again'),
    load: async () => (await import('./verify-command.ts')).runVerifyCommand,
  });
  add(program, around, {
    name: 'recover',
    description:
      'Rebuild a lost state file from the runs that MLflow holds; writes nothing to MLflow.',
    example: 'langfuse-mlflow recover --env-file .env',
    configure: (command) =>
      command.option(
        '--since <DAY>',
        'close everything before this UTC day, where Langfuse has deleted its rows: MLflow keeps it as it is',
      ),
    load: async () => (await import('./recover-command.ts')).runRecoverCommand,
  });
  add(program, around, {
    name: 'doctor',
    description: 'Check Langfuse, MLflow and the state file, each by itself.',
    example: 'langfuse-mlflow doctor --env-file .env',
    configure: (command) =>
      command
        .option(
          '--print-iam',
          'print the least IAM policy for a SageMaker MLflow, and check nothing',
        )
        .option(
          '--artifact-root <S3>',
          'with --print-iam: s3://bucket/prefix of the artifacts (default: asked of SageMaker)',
        ),
    load: async () => (await import('./doctor-command.ts')).runDoctorCommand,
  });
  add(program, around, {
    name: 'smoke',
    description:
      'Send one request through LiteLLM and follow it into Langfuse and MLflow: same tokens, same cost, then clean up.',
    example: 'langfuse-mlflow smoke --litellm-url http://localhost:4000 --model gpt-5-mini',
    configure: (command) =>
      command
        .option(
          '--experiment <NAME>',
          'scratch experiment; its name ends in -smoke (default: that of sync with -smoke). In that of sync, --follow looks later',
        )
        .option(
          '--with-error',
          'also send a request that fails, and look for its error row in Langfuse',
        )
        .option('--keep', 'leave the runs in MLflow to look at; the next smoke deletes them')
        .option(
          '--follow <SMOKE>',
          'send nothing: after a sync, compare the request of an earlier smoke in the experiment that sync writes to',
        ),
    load: async () => (await import('./smoke-command.ts')).runSmokeCommand,
  });
  add(program, around, {
    name: 'tracking-server',
    description: 'Look at a SageMaker MLflow, start and stop it, or make a link that opens it.',
    example: 'langfuse-mlflow tracking-server start --wait',
    configure: (command) =>
      command
        .addArgument(
          new Argument('<ACTION>', 'what to do').choices([
            'info',
            'start',
            'stop',
            'restart',
            'url',
          ]),
        )
        .argument('[NAME]', 'name or ARN (default: from the settings)')
        .option('--env', 'info: print lines for a .env file instead')
        .option('--wait', 'start, stop, restart: until it is done, or has failed')
        .option('--poll <SECONDS>', 'time between two looks, 1 to 300', '15')
        .option('--timeout <DURATION>', 'how long to wait, up to 40m', '40m')
        .option('--expires-in <SECONDS>', 'url: how long the link works, 5 to 300', '300')
        .option('--session <SECONDS>', 'url: how long one stays signed in, 1800 to 43200', '43200'),
    load: async () => (await import('./tracking-server-command.ts')).runTrackingServerCommand,
  });
  add(program, around, {
    name: 'litellm',
    description:
      "Edit LiteLLM's config.yaml so that it sends every call to Langfuse; comments and order stay.",
    example: 'langfuse-mlflow litellm update-config config.yaml --dry-run',
    configure: (command) =>
      command
        .addArgument(new Argument('<ACTION>', 'what to do').choices(['update-config']))
        .argument('<FILE>', 'config.yaml of the LiteLLM proxy')
        .option('--dry-run', 'show the change as a diff, secrets masked, and write nothing')
        .option('--check', 'write nothing, and end with 3 where an edit is due or a trap is found')
        .option('--remove-mlflow', "take out LiteLLM's own mlflow callbacks"),
    load: async () => (await import('./litellm-command.ts')).runLitellmCommand,
  });
  add(program, around, {
    name: 'demo',
    description:
      'Start a sample Langfuse with two weeks of traffic, sync it into ./mlflow.db and tell how to look at it.',
    example: 'langfuse-mlflow demo',
    load: async () => (await import('./demo-command.ts')).runDemoCommand,
  });
  return program;
}

function add(
  program: Command,
  around: CliSurroundings,
  verb: {
    readonly name: CommandName;
    readonly description: string;
    readonly example: string;
    readonly configure?: (command: Command) => Command;
    readonly load: () => Promise<Verb>;
  },
): void {
  const command = program.command(verb.name).description(verb.description);
  verb.configure?.(command);
  command.option('--json', 'print the result as one JSON object on stdout');
  addSettingOptions(command, verb.name);
  command.addHelpText('after', `\nExample:\n  ${verb.example}`);
  command.exitOverride();
  command.action(async () => {
    refuseFlagAsValue(command);
    const run = await verb.load();
    await run(around, command.opts<Record<string, unknown>>(), command.args);
  });
}

/** Commander takes whatever follows for the value: `--state-file --json` would name a file `--json`. */
function refuseFlagAsValue(command: Command): void {
  const flags = command.opts<Record<string, unknown>>();
  for (const option of command.options) {
    const value = flags[option.attributeName()];
    const swallowed = typeof value === 'string' ? /^--[a-z][a-z-]*/.exec(value)?.[0] : undefined;
    if (swallowed === undefined) continue;
    throw new AppError(
      'USAGE',
      `${option.long} needs a value, and was followed by the flag ${swallowed}.`,
    );
  }
}
