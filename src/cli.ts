#!/usr/bin/env node
/** Starts the command line: hands over the process's surroundings and ends with the exit code. */
import { readFileSync } from 'node:fs';
import { createProgram } from './cli/program.ts';
import { reportFailure } from './cli/report-failure.ts';
import type { CliSurroundings } from './cli/surroundings.ts';
import { systemClock } from './shared/clock.ts';
import { AppError } from './shared/errors.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // A second signal ends the process at once: its handler is gone by then.
    stopping.abort(new AppError('CANCELLED', `Stopped by ${signal}.`, { details: { signal } }));
  });
}

const around: CliSurroundings = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: stopping.signal,
  readFile: (path) => readFileSync(path, 'utf8'),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

try {
  await createProgram(around).parseAsync(process.argv);
} catch (error) {
  reportFailure(around, { error, isJson: process.argv.includes('--json'), secrets: [] });
}
