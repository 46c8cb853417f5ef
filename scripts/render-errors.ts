import { ExitCode, errorCatalogue } from '../src/shared/errors.ts';

const exitCodeMeanings: Readonly<Record<keyof typeof ExitCode, string>> = {
  done: 'Everything asked for was done.',
  usage:
    'The command, a setting, a key or a file is wrong. Running again without a change fails again.',
  behind:
    'What is in MLflow is behind what should have been read by now: said by `status`, and by a run that SYNC_MAX_RUNTIME ended.',
  windowsFailed:
    'Some windows failed, each named with its reason, or hold rows that could not be read, which `status` names. Finished windows are kept and the next run reads only what is missing.',
  tryAgainLater:
    'Langfuse, MLflow or the state file cannot be used right now. Run again later; nothing was lost.',
  interrupted: 'Stopped by Ctrl-C (SIGINT). The next run goes on where this one ended.',
  terminated: 'Stopped by SIGTERM. The next run goes on where this one ended.',
};

/** docs/errors.md */
export function renderErrorsPage(): string {
  const exitCodes = Object.entries(ExitCode).map(
    ([name, code]) => `| ${code} | ${exitCodeMeanings[name as keyof typeof ExitCode]} |`,
  );
  const errors = Object.entries(errorCatalogue).map(
    ([code, { exitCode, retryable, hint }]) =>
      `| \`${code}\` | ${exitCode} | ${retryable ? 'yes' : 'no'} | ${hint.replaceAll('|', '\\|')} |`,
  );
  return `# Errors and exit codes

Made from the catalogue in \`src/shared/errors.ts\` by \`npm run generate\`; do not edit by hand.

## Exit codes

| Code | Meaning |
|---|---|
${exitCodes.join('\n')}

## Errors

Every failure has a code, which is also in the log and in \`--json\`. *May pass by itself* says whether
running again later, without a change, can succeed. Where the exit code is 4 and the failure comes before
the first window is begun, so that nothing was read or written, the command ends with 2 instead; only
\`INTERNAL\` is always 4.

| Code | Exit code | May pass by itself | Next step |
|---|---|---|---|
${errors.join('\n')}
`;
}
