#!/usr/bin/env node
/** Starts the command line: hands over the process's surroundings and ends with the exit code. */
import { readFileSync } from 'node:fs';
import { listenForStop } from './cli/listen-for-stop.ts';
import { createOutput } from './cli/output.ts';
import { createProgram } from './cli/program.ts';
import { reportFailure, toInternalError } from './cli/report-failure.ts';
import type { CliSurroundings } from './cli/surroundings.ts';
import { findSecrets } from './config/find-secrets.ts';
import { systemClock } from './shared/clock.ts';

let exitCode = 0;
const setExitCode = (code: number): void => {
  exitCode ||= code;
};
const output = createOutput(process);

/**
 * Ends the process: what was printed reaches its reader first, however slow, and nothing else is waited for
 * (connections that are kept alive would hold the process for a minute).
 */
async function end(): Promise<void> {
  await output.flush();
  output.reportLoss(setExitCode);
  await output.flush();
  process.exit(exitCode);
}

const around: CliSurroundings = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: listenForStop(process, systemClock),
  readFile: (path) => readFileSync(path, 'utf8'),
  isJson: process.argv.includes('--json'),
  printJson: output.printJson,
  secrets: new Set(findSecrets(process.env)),
  setExitCode,
};

// A rejection that nobody handles comes here as well.
process.on('uncaughtException', (error) => {
  reportFailure(around, toInternalError(error));
  void end();
});
// Node would end with 0 or 13 when everything waits for something that cannot happen any more.
process.once('beforeExit', () => {
  reportFailure(around, toInternalError(new Error('The command stopped without a result.')));
  void end();
});

try {
  await createProgram(around).parseAsync(process.argv);
} catch (error) {
  reportFailure(around, error);
}
await end();
